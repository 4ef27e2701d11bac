// Made of openapi.yaml by `npm run openapi`. Not to be edited.
export interface paths {
    readonly "/patients": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists patients. */
        readonly get: operations["listPatients"];
        readonly put?: never;
        /** Registers a patient. */
        readonly post: operations["createPatient"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/patients/me": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Reads the patient who asks. */
        readonly get: operations["getMe"];
        /** Replaces the demographics of the patient who asks. */
        readonly put: operations["replaceMe"];
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/patients/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Reads a patient, as he is or as he was. */
        readonly get: operations["getPatient"];
        /** Replaces a patient's demographics. */
        readonly put: operations["replacePatient"];
        /** Records a diagnosis of a patient: the short form of `POST /patients/{id}/records`. */
        readonly post: operations["recordDiagnosis"];
        /** Deletes a patient, who can be restored; or erases him and his record for good. */
        readonly delete: operations["deletePatient"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/patients/{id}/history": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists the versions of a patient, newest first. */
        readonly get: operations["listPatientHistory"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/patients/{id}/record": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists the whole record of a patient as FHIR resources, now or as it was at a time. */
        readonly get: operations["listPatientRecord"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/patients/{id}/records": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists what is recorded of a patient: diagnoses, allergies, documents and notes. */
        readonly get: operations["listRecords"];
        readonly put?: never;
        /** Records a diagnosis, an allergy, a document or a note. */
        readonly post: operations["createRecord"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/patients/{id}/records/{record_id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Reads a record. */
        readonly get: operations["getRecord"];
        /**
         * Replaces a record.
         * @description A record stays of its kind. Without `sensitivity` and `attachment` these stay as they are.
         */
        readonly put: operations["replaceRecord"];
        readonly post?: never;
        /** Deletes a record, a document with its file. */
        readonly delete: operations["deleteRecord"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/patients/{id}/records/{record_id}/attachment": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Downloads the file of a document.
         * @description It is sent as it is read. Where what is stored is not what was, the connection is broken off before Content-Length is reached.
         */
        readonly get: operations["downloadAttachment"];
        readonly put?: never;
        /**
         * Puts a file under a document, in place of the one it has.
         * @description The body is the file, of at most `ATTACHMENT_MIB`; Content-Type says what it is, and 422 answers what is something else or can run. It is stored while it comes, of any length; who may not write the document is refused before the file is read.
         */
        readonly post: operations["uploadAttachment"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/patients/{id}/shares": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Lists whom the patient gave access, and whom he refused it.
         * @description Consents that say more than a share can are enforced all the same, and are told by FHIR alone: they count in `total`.
         */
        readonly get: operations["listShares"];
        readonly put?: never;
        /**
         * Gives a provider access to the record, or refuses it to him.
         * @description By the patient himself, administrators, systems and roles of `PRIVILEGED_WRITERS`.
         */
        readonly post: operations["createShare"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/patients/{id}/restrictions": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        /**
         * Restricts the records named, and no others of the patient.
         * @description By roles of `LABEL_WRITERS`, administrators and systems; in one transaction, at most 1,000 records. `all` means those that are there now.
         */
        readonly put: operations["restrictRecords"];
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/records/{record_id}/signatures": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists the signatures of a record, each verified against the version that it is over. */
        readonly get: operations["listSignatures"];
        readonly put?: never;
        /**
         * Signs the record as it is now.
         * @description The first signature in a session (an access token, until half an hour after its last signature) takes `login`, `password` and, where there is a second factor, `otp`; a later one takes `password` or `otp`. In place of all of these, `confirmation_id` names what the signer has confirmed in his browser, the only way for those who sign in elsewhere. 401 where the proof is missing or wrong, 403 where the account is another one than the token tells.
         */
        readonly post: operations["signRecord"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/records/{record_id}/signatures/confirmations": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Asks the caller to confirm a signature in his browser.
         * @description Open `confirm_at` in the browser of who signs. He proves there anew who he is, sees what he signs, and decides. Then send `confirmation_id` to `POST /records/{record_id}/signatures` with the same meaning; 401 until he has confirmed. For accounts of this server and apps they have let in (403 otherwise).
         */
        readonly post: operations["askForSignature"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/audit": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Lists who did what, newest first, with what each change changed.
         * @description For administrators and systems; for a patient about his own record, without addresses, accounts and what concerns others too. A diff needs the right to both versions, whose reading is recorded.
         */
        readonly get: operations["listAudit"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/shares/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        readonly post?: never;
        /** Ends a share, at once. */
        readonly delete: operations["deleteShare"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/patients/{id}:restore": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Brings back a deleted patient as he was; one who is not deleted stays as he is. */
        readonly post: operations["restorePatient"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/patients/{id}:revert": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /** Writes a new version with the content that the patient had at a time. */
        readonly post: operations["revertPatient"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/providers": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists providers. */
        readonly get: operations["listProviders"];
        readonly put?: never;
        /** Registers a provider. */
        readonly post: operations["createProvider"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/providers/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Reads a provider. */
        readonly get: operations["getProvider"];
        /** Replaces a provider. */
        readonly put: operations["replaceProvider"];
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/medications": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists medications. */
        readonly get: operations["listMedications"];
        readonly put?: never;
        /** Records a medication. */
        readonly post: operations["createMedication"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/medications/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Reads a medication. */
        readonly get: operations["getMedication"];
        /** Replaces a medication. */
        readonly put: operations["replaceMedication"];
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/patients/me/medications": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists the medications of the patient who asks. */
        readonly get: operations["listMyMedications"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/appointments": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists appointments. */
        readonly get: operations["listAppointments"];
        readonly put?: never;
        /**
         * Books an appointment.
         * @description A provider has one appointment at a time: 409 `conflict` otherwise.
         */
        readonly post: operations["createAppointment"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/appointments/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Reads an appointment. */
        readonly get: operations["getAppointment"];
        /** Moves or changes an appointment. */
        readonly put: operations["replaceAppointment"];
        readonly post?: never;
        /**
         * Cancels an appointment.
         * @description A new version with the status `cancelled`.
         */
        readonly delete: operations["cancelAppointment"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/patients/me/appointments": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists the appointments of the patient who asks. */
        readonly get: operations["listMyAppointments"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/lab-results": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists laboratory results. */
        readonly get: operations["listLabResults"];
        readonly put?: never;
        /** Records a laboratory result. */
        readonly post: operations["createLabResult"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/lab-results/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Reads a laboratory result. */
        readonly get: operations["getLabResult"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/lab-results/{id}/trends": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Tells how the results of the same test of the same patient went.
         * @description In the unit of the newest, converted by UCUM; what can not be converted is told and left out. At most the newest 1000.
         */
        readonly get: operations["getLabTrends"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/lab-results/{id}/explanation": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Explains a laboratory result in plain words.
         * @description By rules, or by a language model where one is configured. No medical advice. Nothing is kept: a repetition is made anew.
         */
        readonly post: operations["explainLabResult"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/patients/me/lab-results": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists the laboratory results of the patient who asks. */
        readonly get: operations["listMyLabResults"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/messages": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists messages. */
        readonly get: operations["listMessages"];
        readonly put?: never;
        /** Sends a message from a provider to a patient. */
        readonly post: operations["sendMessage"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/messages/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /**
         * Reads a message.
         * @description That it was read is not noted by it.
         */
        readonly get: operations["getMessage"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/messages/{id}:read": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Notes that the recipient has read a message.
         * @description The first time counts.
         */
        readonly post: operations["readMessage"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/patients/me/messages": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists the messages of the patient who asks. */
        readonly get: operations["listMyMessages"];
        readonly put?: never;
        /** Sends a message from the patient who asks to a provider. */
        readonly post: operations["sendMyMessage"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/interactions": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists interactions. */
        readonly get: operations["listInteractions"];
        readonly put?: never;
        /** Records an interaction. */
        readonly post: operations["createInteraction"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/interactions/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Reads an interaction. */
        readonly get: operations["getInteraction"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/outcomes": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists the outcomes that interactions may have. */
        readonly get: operations["listOutcomes"];
        readonly put?: never;
        /** Adds an outcome. */
        readonly post: operations["createOutcome"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/outcomes/{code}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        /**
         * Changes or deactivates an outcome.
         * @description Interactions that have it keep it.
         */
        readonly put: operations["replaceOutcome"];
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/import": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Imports a file.
         * @description The file is taken as it comes, without limit of BODY_LIMIT_BYTES, and a job imports it. Each line meets the rules of the request that
         *     creates one. CSV: the first line names the fields (`address.line1`, `allergies[0]`); fields that the server sets are left out.
         */
        readonly post: operations["startImport"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/import/{job}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Tells how far an import is, and which lines it refused. */
        readonly get: operations["getImport"];
        readonly put?: never;
        readonly post?: never;
        /**
         * Ends an import.
         * @description What it has written by then stays, and no more is written. An import that has ended is removed with its files.
         */
        readonly delete: operations["cancelImport"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/import/{job}/quarantine": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Gives the refused lines as they were sent, to be mended and sent again. */
        readonly get: operations["getImportQuarantine"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/export": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Exports what the caller may see. */
        readonly get: operations["exportNow"];
        readonly put?: never;
        /** Exports what the caller may see into a file. */
        readonly post: operations["startExport"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/export/{job}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Tells how far an export is. */
        readonly get: operations["getExport"];
        readonly put?: never;
        readonly post?: never;
        /** Ends an export; one that has ended is removed with its file. */
        readonly delete: operations["cancelExport"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/export/{job}/file": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Gives the file of an export that is done. */
        readonly get: operations["getExportFile"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api-keys": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Lists API keys, those that are over as well. */
        readonly get: operations["listApiKeys"];
        readonly put?: never;
        /**
         * Makes an API key.
         * @description The answer tells the secret, this once. A repetition under the same Idempotency-Key tells of the key without it; it can be rotated.
         */
        readonly post: operations["createApiKey"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api-keys/{id}": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Reads an API key. */
        readonly get: operations["getApiKey"];
        readonly put?: never;
        readonly post?: never;
        /** Revokes an API key. It is refused everywhere within a second, and stays in the list. */
        readonly delete: operations["revokeApiKey"];
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/api-keys/{id}:rotate": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly get?: never;
        readonly put?: never;
        /**
         * Gives an API key another secret; the one before is good for some hours yet.
         * @description The answer tells the secret, this once. A repetition under the same Idempotency-Key tells of the key without it.
         */
        readonly post: operations["rotateApiKey"];
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/health": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Whether this server takes requests and its databases answer. */
        readonly get: operations["getHealth"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
    readonly "/replication/status": {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        /** Tells administrators which replicas follow the database, and how closely. */
        readonly get: operations["getReplicationStatus"];
        readonly put?: never;
        readonly post?: never;
        readonly delete?: never;
        readonly options?: never;
        readonly head?: never;
        readonly patch?: never;
        readonly trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description A FHIR id. */
        readonly Id: string;
        readonly ETag: string;
        readonly Error: {
            /** @enum {string} */
            readonly code: "invalid_request" | "unauthenticated" | "forbidden" | "not_found" | "method_not_allowed" | "not_acceptable" | "conflict" | "idempotency_mismatch" | "duplicate" | "deleted" | "version_mismatch" | "too_large" | "unsupported_media_type" | "validation_failed" | "precondition_required" | "rate_limited" | "internal" | "writes_disabled" | "unavailable";
            readonly message: string;
            readonly details?: readonly {
                readonly field: string;
                readonly code: string;
                readonly message: string;
            }[];
            readonly request_id: string;
        };
        readonly ListMeta: {
            readonly request_id: string;
            /** Format: date-time */
            readonly timestamp: string;
            readonly pagination: {
                readonly limit: number;
                readonly total?: number;
            };
        };
        /** @enum {string} */
        readonly RecordKind: "diagnosis" | "allergy" | "document" | "note";
        /** @description The kind and the FHIR id: `diagnosis-0198c1f2-0000-7000-8000-000000000001`. */
        readonly RecordId: string;
        /**
         * @description What is restricted is seen by the patient, its author, those granted and who breaks the glass. Only roles of `LABEL_WRITERS`, administrators and systems set and remove it.
         * @enum {string}
         */
        readonly Sensitivity: "normal" | "restricted";
        readonly DiagnosisInput: {
            /** @description Who says so; without it the caller, where he is a practitioner. */
            readonly provider_id?: string | null;
            readonly diagnosis: string;
            readonly text?: string | null;
            /**
             * Format: date-time
             * @description Not in the future; by default now.
             */
            readonly recorded_at?: string;
            readonly sensitivity?: components["schemas"]["Sensitivity"];
        };
        /** @description A diagnosis needs `diagnosis`, an allergy and a note need `text`, a document needs `attachment`. */
        readonly RecordInput: {
            readonly kind: components["schemas"]["RecordKind"];
            /** @description Who says so; without it the caller, where he is a practitioner. */
            readonly provider_id?: string | null;
            readonly diagnosis?: string | null;
            /** @description The allergy or the note; of a diagnosis a remark, of a document its description. */
            readonly text?: string | null;
            readonly attachment?: components["schemas"]["AttachmentInput"] | null;
            /**
             * Format: date-time
             * @description Not in the future; by default now.
             */
            readonly recorded_at?: string;
            readonly sensitivity?: components["schemas"]["Sensitivity"];
        };
        /** @description With `data` it is stored here, with `url` elsewhere; with neither the file is uploaded afterwards. */
        readonly AttachmentInput: {
            readonly content_type?: string | null;
            /** @description Base64, of at most `ATTACHMENT_MIB`. */
            readonly data?: string | null;
            /** @description An address elsewhere; or that of the present file, which then stays. */
            readonly url?: string | null;
            readonly title?: string | null;
        };
        /** @description As stored: of a record that FHIR wrote, any field may be missing and texts may be anything. */
        readonly Record: {
            readonly record_id: components["schemas"]["RecordId"];
            readonly kind: components["schemas"]["RecordKind"];
            readonly patient_id?: components["schemas"]["Id"];
            readonly provider_id?: components["schemas"]["Id"];
            readonly diagnosis?: string;
            readonly text?: string;
            readonly attachment?: {
                readonly content_type?: string;
                readonly title?: string;
                /** @description Bytes. */
                readonly size?: number;
                /** @description Where it is: of a file that is stored here relative to the API. */
                readonly url?: string;
            };
            /** @description A time, or as much of one as is known. */
            readonly recorded_at?: string;
            readonly sensitivity: components["schemas"]["Sensitivity"];
            /** Format: date-time */
            readonly updated_at: string;
            readonly version: number;
        };
        readonly RecordList: {
            readonly data: readonly components["schemas"]["Record"][];
            readonly next_cursor: string | null;
            readonly meta: components["schemas"]["ListMeta"];
        };
        readonly ShareInput: {
            readonly provider_id: components["schemas"]["Id"];
            /** @enum {string} */
            readonly decision: "grant" | "refuse";
            /** @description Without them the whole record is meant. */
            readonly kinds?: readonly components["schemas"]["RecordKind"][];
            /** @description A day, to its end in UTC, or a time. In the future. */
            readonly until?: string | null;
            /**
             * @description Whether a grant is about what is restricted too; not for notes alone.
             * @default false
             */
            readonly include_restricted?: boolean;
        };
        readonly Share: {
            readonly share_id: components["schemas"]["Id"];
            readonly patient_id?: components["schemas"]["Id"];
            readonly provider_id: components["schemas"]["Id"];
            /** @enum {string} */
            readonly decision: "grant" | "refuse";
            readonly kinds?: readonly components["schemas"]["RecordKind"][];
            readonly until?: string;
            readonly include_restricted: boolean;
            readonly given_at?: string;
            /** Format: date-time */
            readonly updated_at: string;
            readonly version: number;
        };
        readonly ShareList: {
            readonly data: readonly components["schemas"]["Share"][];
            readonly next_cursor: string | null;
            readonly meta: components["schemas"]["ListMeta"];
        };
        readonly RestrictionsInput: {
            readonly records: "all" | readonly components["schemas"]["RecordId"][];
        };
        readonly Restrictions: {
            readonly records: readonly components["schemas"]["RecordId"][];
            /** @description Resources that were written. */
            readonly changed: number;
        };
        readonly SignatureInput: {
            /** @enum {string} */
            readonly meaning: "author" | "reviewer" | "approver";
            readonly login?: string | null;
            readonly password?: string | null;
            /** @description A code of the authenticator or a recovery code. */
            readonly otp?: string | null;
            /** @description What the signer has confirmed in his browser; good for one signature. */
            readonly confirmation_id?: string | null;
        };
        readonly SignatureAsked: {
            /** @enum {string} */
            readonly meaning: "author" | "reviewer" | "approver";
        };
        readonly SignatureConfirmation: {
            /** @description For `POST …/signatures`, once it is confirmed. It is of use to this app and this user alone. */
            readonly confirmation_id: string;
            /** @description The page to open in the signer's browser. He proves there anew who he is, by whatever he signs in with. */
            readonly confirm_at: string;
            readonly expires_at: string;
            readonly record_version: number;
            /** @enum {string} */
            readonly meaning: "author" | "reviewer" | "approver";
        };
        readonly Signature: {
            readonly signature_id: components["schemas"]["Id"];
            readonly record_version?: number;
            /**
             * @description `valid`: over the version that is current. `replaced`: over one that was current then, unaltered. `altered`: the signature is not that of the stored version, or not ours. `unknown`: it can not be verified here.
             * @enum {string}
             */
            readonly status: "valid" | "replaced" | "altered" | "unknown";
            /** @enum {string} */
            readonly meaning?: "author" | "reviewer" | "approver";
            /** @description Who signed: `Practitioner/0198c1f2-…`. */
            readonly signer?: string;
            readonly printed_name?: string;
            readonly signed_at?: string;
            /** @description What the signer proved himself by: `pwd`, `otp`; `fed`, and `mfa` where it says so, of an outside provider. */
            readonly components?: readonly string[];
            /** @description The JWS, its payload detached: the canonical JSON (RFC 8785) of `{ resource, file }`. */
            readonly jws?: string;
        };
        readonly SignatureList: {
            readonly data: readonly components["schemas"]["Signature"][];
            readonly next_cursor: string | null;
            readonly meta: components["schemas"]["ListMeta"];
            readonly key: components["schemas"]["SignatureKey"];
            /** @description All with which something may have been signed, the newest first; the header of a signature names its own by `kid`. */
            readonly keys: readonly components["schemas"]["SignatureKey"][];
        };
        /** @description A public key of the server's as a JWK; `key` is the one that signs. */
        readonly SignatureKey: {
            readonly kty: string;
            readonly crv: string;
            readonly x: string;
            readonly kid: string;
            readonly use?: string;
        };
        readonly AuditEntry: {
            readonly event_id: components["schemas"]["Id"];
            readonly at?: string;
            /** @enum {string} */
            readonly action: "read" | "search" | "history" | "create" | "update" | "delete" | "operation" | "batch" | "other";
            /** @description The code of the AuditEvent. */
            readonly event?: string;
            /** @enum {string} */
            readonly outcome: "done" | "refused" | "failed";
            /** @description Of a refusal the id of what was answered. */
            readonly reason?: string;
            readonly actor: {
                readonly reference?: string;
                readonly name?: string;
                readonly subject?: string;
                readonly roles?: readonly string[];
            };
            readonly client?: string;
            readonly address?: string;
            readonly purposes?: readonly string[];
            readonly patient_id?: components["schemas"]["Id"];
            readonly resource_type?: string;
            readonly resource_id?: string;
            readonly version?: number;
            readonly request_id?: string;
            readonly diff?: {
                readonly old_version?: number;
                readonly new_version: number;
                readonly changes: readonly {
                    /** @description FHIRPath. */
                    readonly path: string;
                    /** @description What was there. */
                    readonly before?: unknown;
                    /** @description What is there. */
                    readonly after?: unknown;
                }[];
                /** @description There are more changes. */
                readonly is_cut?: boolean;
            };
        };
        readonly AuditList: {
            readonly data: readonly components["schemas"]["AuditEntry"][];
            readonly next_cursor: string | null;
            readonly meta: components["schemas"]["ListMeta"];
        };
        readonly PatientRecord: {
            readonly data: readonly {
                readonly resource_type: string;
                readonly id: components["schemas"]["Id"];
                readonly version: number;
                /** Format: date-time */
                readonly updated_at: string;
                /** @description The FHIR R4 resource. */
                readonly resource: {
                    readonly resourceType: string;
                    readonly id: string;
                } & {
                    readonly [key: string]: unknown;
                };
            }[];
            readonly next_cursor: string | null;
            readonly meta: components["schemas"]["ListMeta"];
        };
        readonly PatientHistory: {
            readonly data: readonly {
                readonly version: number;
                /** Format: date-time */
                readonly updated_at: string;
                /** @enum {string} */
                readonly action: "create" | "update" | "delete";
                readonly is_deleted: boolean;
                readonly record?: components["schemas"]["Patient"];
            }[];
            readonly next_cursor: string | null;
            readonly meta: components["schemas"]["ListMeta"];
        };
        readonly PatientList: {
            readonly data: readonly components["schemas"]["Patient"][];
            readonly next_cursor: string | null;
            readonly meta: components["schemas"]["ListMeta"];
        };
        readonly PatientInput: {
            readonly given_name: components["schemas"]["PersonName"];
            readonly middle_name?: string | null;
            readonly family_name: components["schemas"]["PersonName"];
            /**
             * Format: date
             * @description In the past or today, not before 1900-01-01, age at most 120 years.
             */
            readonly date_of_birth: string;
            /** @enum {string} */
            readonly sex_at_birth?: "female" | "male" | "intersex" | "unknown" | "undisclosed";
            /** @enum {string} */
            readonly gender_identity?: "woman" | "man" | "nonbinary" | "other" | "undisclosed";
            /** @description Needed with `other`. */
            readonly gender_identity_text?: string | null;
            /**
             * Format: email
             * @description Lower-cased; of one living patient only.
             */
            readonly email?: string | null;
            /** @description Of one living patient only. */
            readonly phone_e164?: string | null;
            readonly address?: components["schemas"]["AddressInput"] | null;
            readonly emergency_contact?: components["schemas"]["EmergencyContactInput"] | null;
            /** @description BCP 47. */
            readonly preferred_language?: string | null;
            /** @default false */
            readonly consent_to_contact?: boolean;
            readonly allergies?: components["schemas"]["TextList"];
            readonly medical_history?: components["schemas"]["TextList"];
            readonly current_medications?: components["schemas"]["TextList"];
        };
        /** @description Trimmed, inner white space collapsed, without digits. */
        readonly PersonName: string;
        readonly TextList: readonly string[];
        readonly AddressInput: {
            readonly line1: string;
            readonly line2?: string | null;
            readonly city?: string | null;
            readonly state_province?: string | null;
            /** @description Needs the country; checked by its rules where they are known. */
            readonly postal_code?: string | null;
            /** @description ISO 3166-1 alpha-2. */
            readonly country?: string | null;
        };
        readonly EmergencyContactInput: {
            readonly name: string;
            readonly phone_e164?: string | null;
            readonly relationship?: string | null;
        };
        /** @description In answers about one patient. Everything current that was recorded, by whatever API; left out where the caller may not read it. */
        readonly AnswerTexts: readonly string[];
        /** @description As stored: of a record that FHIR wrote, any field may be missing and texts may be anything. */
        readonly Patient: {
            readonly patient_id: components["schemas"]["Id"];
            readonly given_name?: string;
            readonly middle_name?: string;
            readonly family_name?: string;
            /** @description A date, or as much of one as is known: `1985-12`. */
            readonly date_of_birth?: string;
            readonly sex_at_birth?: string;
            readonly gender_identity?: string;
            readonly gender_identity_text?: string;
            readonly email?: string;
            readonly phone_e164?: string;
            readonly address?: {
                readonly line1?: string;
                readonly line2?: string;
                readonly city?: string;
                readonly state_province?: string;
                readonly postal_code?: string;
                readonly country?: string;
            };
            readonly emergency_contact?: {
                readonly name?: string;
                readonly phone_e164?: string;
                readonly relationship?: string;
            };
            readonly preferred_language?: string;
            readonly consent_to_contact: boolean;
            readonly allergies?: components["schemas"]["AnswerTexts"];
            readonly medical_history?: components["schemas"]["AnswerTexts"];
            readonly current_medications?: components["schemas"]["AnswerTexts"];
            /** Format: date-time */
            readonly created_at?: string;
            /** Format: date-time */
            readonly updated_at: string;
            readonly version: number;
            readonly is_deleted: boolean;
        };
        /**
         * @default patients
         * @enum {string}
         */
        readonly BulkResource: "patients" | "interactions";
        /**
         * @description `all_or_nothing` looks at all lines first and writes nothing if one of them is refused.
         * @default best_effort
         * @enum {string}
         */
        readonly ImportMode: "best_effort" | "all_or_nothing";
        /** @enum {string} */
        readonly JobState: "queued" | "running" | "done" | "failed" | "cancelled";
        /**
         * @example {
         *       "job_id": "0b0e7f0e-6a36-4c5e-9a5e-0f6f5f1f4f11",
         *       "state": "queued",
         *       "location": "/api/v1/import/0b0e7f0e-6a36-4c5e-9a5e-0f6f5f1f4f11"
         *     }
         */
        readonly JobAccepted: {
            /** Format: uuid */
            readonly job_id: string;
            readonly state: components["schemas"]["JobState"];
            readonly location: string;
        };
        /** @description Why the job failed as a whole. */
        readonly JobFailure: {
            /** @description Such as `lines_refused` or `header_unknown_column`. */
            readonly code: string;
            readonly message: string;
            /** @description The column of the header that is at fault, from 1. */
            readonly column?: number;
        };
        /** @description Why a line was refused. It never repeats what the line holds. */
        readonly ImportError: {
            /** @description Where the line begins, from 1. */
            readonly line: number;
            /** @description Empty: the whole line. */
            readonly field: string;
            readonly code: string;
            readonly message: string;
        };
        /**
         * @example {
         *       "job_id": "0b0e7f0e-6a36-4c5e-9a5e-0f6f5f1f4f11",
         *       "resource": "patients",
         *       "mode": "best_effort",
         *       "dry_run": false,
         *       "state": "done",
         *       "percent": 100,
         *       "accepted": 9999,
         *       "refused": 1,
         *       "errors": [
         *         {
         *           "line": 17,
         *           "field": "date_of_birth",
         *           "code": "in_future",
         *           "message": "It lies in the future."
         *         }
         *       ],
         *       "errors_next": null,
         *       "quarantine": "/api/v1/import/0b0e7f0e-6a36-4c5e-9a5e-0f6f5f1f4f11/quarantine",
         *       "created_at": "2026-11-22T13:00:00.000Z",
         *       "ended_at": "2026-11-22T13:00:05.000Z",
         *       "expires_at": "2026-11-29T13:00:00.000Z"
         *     }
         */
        readonly ImportJob: {
            /** Format: uuid */
            readonly job_id: string;
            readonly resource: components["schemas"]["BulkResource"];
            readonly mode: components["schemas"]["ImportMode"];
            readonly dry_run: boolean;
            readonly state: components["schemas"]["JobState"];
            readonly failure?: components["schemas"]["JobFailure"];
            readonly percent: number;
            /** @description Lines that are written; of a dry run, that would be. */
            readonly accepted: number;
            readonly refused: number;
            readonly errors: readonly components["schemas"]["ImportError"][];
            /** @description Send it as `errors_after` for those that follow; null: these are the last ones. */
            readonly errors_next: number | null;
            /** @description Where the refused lines are. */
            readonly quarantine: string | null;
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly ended_at: string | null;
            /**
             * Format: date-time
             * @description When the job and its files are removed.
             */
            readonly expires_at: string;
        };
        readonly ExportJob: {
            /** Format: uuid */
            readonly job_id: string;
            readonly resource: components["schemas"]["BulkResource"];
            /** @enum {string} */
            readonly format: "csv" | "json" | "ndjson";
            readonly state: components["schemas"]["JobState"];
            readonly failure?: components["schemas"]["JobFailure"];
            readonly percent: number;
            readonly rows: number;
            /** @description Where the file is, once the job is done. */
            readonly file: string | null;
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly ended_at: string | null;
            /**
             * Format: date-time
             * @description When the job and its file are removed.
             */
            readonly expires_at: string;
        };
        readonly ProviderInput: {
            readonly name: string;
            readonly specialty?: string | null;
            /** @description National Provider Identifier; its check digit is checked. */
            readonly npi?: string | null;
            /** Format: email */
            readonly email?: string | null;
            /** @description E.164. */
            readonly phone?: string | null;
            /** @default true */
            readonly is_active?: boolean;
        };
        readonly ProviderList: {
            readonly data: readonly components["schemas"]["Provider"][];
            readonly next_cursor: string | null;
            readonly meta: components["schemas"]["ListMeta"];
        };
        readonly Provider: {
            readonly provider_id: components["schemas"]["Id"];
            readonly name?: string;
            /** @description Left out where the caller may not read it. */
            readonly specialty?: string;
            readonly npi?: string;
            readonly email?: string;
            readonly phone?: string;
            readonly is_active: boolean;
            readonly version: number;
            /** Format: date-time */
            readonly updated_at: string;
        };
        /** @enum {string} */
        readonly MedicationStatus: "active" | "completed" | "stopped" | "on_hold" | "intended" | "not_taken" | "unknown" | "entered_in_error";
        readonly MedicationInput: {
            readonly patient_id: components["schemas"]["Id"];
            readonly medication_name: string;
            readonly dosage?: string | null;
            readonly frequency?: string | null;
            /** @description For the patient. */
            readonly instructions?: string | null;
            /** Format: date */
            readonly start_date?: string | null;
            /**
             * Format: date
             * @description Not before start_date.
             */
            readonly end_date?: string | null;
            readonly prescriber_id?: components["schemas"]["Id"] | null;
            /** @default active */
            readonly status?: components["schemas"]["MedicationStatus"];
        };
        readonly MedicationList: {
            readonly data: readonly components["schemas"]["Medication"][];
            readonly next_cursor: string | null;
            readonly meta: components["schemas"]["ListMeta"];
        };
        readonly Medication: {
            readonly medication_id: components["schemas"]["Id"];
            readonly patient_id?: components["schemas"]["Id"];
            readonly medication_name?: string;
            readonly dosage?: string;
            readonly frequency?: string;
            readonly instructions?: string;
            /** @description A date, or as much of one as is known: `2026-01`. */
            readonly start_date?: string;
            readonly end_date?: string;
            readonly prescriber_id?: components["schemas"]["Id"];
            readonly status?: string;
            readonly version: number;
            /** Format: date-time */
            readonly updated_at: string;
        };
        /** @enum {string} */
        readonly AppointmentStatus: "requested" | "pending" | "scheduled" | "checked_in" | "arrived" | "completed" | "cancelled" | "no_show" | "waitlisted" | "entered_in_error";
        readonly AppointmentInput: {
            readonly patient_id: components["schemas"]["Id"];
            readonly provider_id: components["schemas"]["Id"];
            /**
             * Format: date-time
             * @description A whole minute.
             */
            readonly starts_at: string;
            /** @default 30 */
            readonly duration_minutes?: number;
            readonly appointment_type?: string | null;
            /** @default scheduled */
            readonly status?: components["schemas"]["AppointmentStatus"];
            readonly notes?: string | null;
        };
        readonly AppointmentList: {
            readonly data: readonly components["schemas"]["Appointment"][];
            readonly next_cursor: string | null;
            readonly meta: components["schemas"]["ListMeta"];
        };
        readonly Appointment: {
            readonly appointment_id: components["schemas"]["Id"];
            readonly patient_id?: components["schemas"]["Id"];
            readonly provider_id?: components["schemas"]["Id"];
            /** Format: date-time */
            readonly starts_at?: string;
            /** Format: date-time */
            readonly ends_at?: string;
            readonly duration_minutes?: number;
            readonly appointment_type?: string;
            readonly status: string;
            readonly notes?: string;
            readonly version: number;
            /** Format: date-time */
            readonly updated_at: string;
        };
        /** @enum {string} */
        readonly LabResultStatus: "registered" | "preliminary" | "final" | "amended" | "corrected" | "cancelled" | "unknown" | "entered_in_error";
        /** @enum {string} */
        readonly LabResultInterpretation: "normal" | "abnormal" | "critical" | "low" | "critical_low" | "high" | "critical_high";
        /** @enum {string} */
        readonly LabFinding: "critical" | "below_range" | "above_range" | "within_range" | "abnormal" | "rising" | "falling" | "unchanged" | "not_final";
        readonly LabResultInput: {
            readonly patient_id: components["schemas"]["Id"];
            /** @description Who performed it. */
            readonly provider_id?: components["schemas"]["Id"] | null;
            readonly test_name: string;
            /** @description A LOINC code where it looks like one. */
            readonly test_code?: string | null;
            readonly result_value?: number | null;
            readonly result_comparator?: ("<" | "<=" | ">=" | ">") | null;
            /** @description UCUM, if it is to be compared; needed with a number, `1` for a plain one. */
            readonly result_unit?: string | null;
            /** @description A result that is no number. */
            readonly result_text?: string | null;
            readonly reference_range?: {
                readonly low?: number | null;
                readonly high?: number | null;
                readonly text?: string | null;
            } | null;
            readonly interpretation?: components["schemas"]["LabResultInterpretation"] | null;
            /** @default final */
            readonly status?: components["schemas"]["LabResultStatus"];
            /** Format: date-time */
            readonly collected_at: string;
            /** Format: date-time */
            readonly resulted_at?: string | null;
            readonly notes?: string | null;
        };
        readonly LabResultList: {
            readonly data: readonly components["schemas"]["LabResult"][];
            readonly next_cursor: string | null;
            readonly meta: components["schemas"]["ListMeta"];
        };
        readonly LabRange: {
            readonly low?: number;
            readonly high?: number;
            readonly unit?: string;
            readonly text?: string;
        };
        readonly LabResult: {
            readonly lab_result_id: components["schemas"]["Id"];
            readonly patient_id?: components["schemas"]["Id"];
            readonly provider_id?: components["schemas"]["Id"];
            readonly test_name?: string;
            readonly test_code?: string;
            readonly result_value?: number;
            readonly result_comparator?: string;
            readonly result_unit?: string;
            readonly result_text?: string;
            readonly reference_range?: components["schemas"]["LabRange"];
            readonly interpretation?: string;
            readonly status?: string;
            /** @description A time in UTC, or as much of a date as is known. */
            readonly collected_at?: string;
            /** Format: date-time */
            readonly resulted_at?: string;
            readonly notes?: string;
            readonly version: number;
            /** Format: date-time */
            readonly updated_at: string;
        };
        readonly LabTrends: {
            readonly lab_result_id: components["schemas"]["Id"];
            readonly patient_id?: components["schemas"]["Id"];
            readonly test_name?: string;
            readonly test_code?: string;
            /** @description That of the newest number; of all values here. */
            readonly unit?: string;
            readonly count: number;
            readonly min: number | null;
            readonly max: number | null;
            readonly mean: number | null;
            /** @description By least squares; null where there are not two times. */
            readonly slope_per_day: number | null;
            /** @description That of the newest number. */
            readonly reference_range?: components["schemas"]["LabRange"];
            readonly points: readonly {
                readonly lab_result_id: components["schemas"]["Id"];
                readonly collected_at: string;
                readonly value: number;
            }[];
            readonly left_out: readonly {
                readonly lab_result_id: components["schemas"]["Id"];
                readonly collected_at?: string;
                readonly unit?: string;
                /** @enum {string} */
                readonly reason: "no_number" | "comparator" | "no_time" | "unit";
            }[];
            /** @description There are older ones. */
            readonly is_truncated: boolean;
        };
        readonly LabExplanation: {
            readonly lab_result_id: components["schemas"]["Id"];
            readonly explanation: string;
            readonly findings: readonly components["schemas"]["LabFinding"][];
            /** @enum {string} */
            readonly source: "rules" | "model";
            /** @description The model was asked in vain. */
            readonly is_fallback: boolean;
            readonly disclaimer: string;
            /** Format: date-time */
            readonly generated_at: string;
        };
        readonly MessageInput: {
            readonly patient_id: components["schemas"]["Id"];
            /** @description Who sends it; only of clients without a user. */
            readonly provider_id?: components["schemas"]["Id"] | null;
            readonly subject?: string | null;
            readonly body: string;
            readonly in_response_to?: components["schemas"]["MessageParent"];
        };
        readonly MyMessageInput: {
            readonly provider_id: components["schemas"]["Id"];
            readonly subject?: string | null;
            readonly body: string;
            readonly in_response_to?: components["schemas"]["MessageParent"];
        };
        /** @description A message of the same patient. */
        readonly MessageParent: components["schemas"]["Id"] | null;
        readonly MessageList: {
            readonly data: readonly components["schemas"]["Message"][];
            readonly next_cursor: string | null;
            readonly meta: components["schemas"]["ListMeta"];
        };
        readonly Message: {
            readonly message_id: components["schemas"]["Id"];
            readonly patient_id?: components["schemas"]["Id"];
            /** @description `patient`, `provider`, `related_person` … */
            readonly sender_kind?: string;
            readonly sender_id?: components["schemas"]["Id"];
            readonly recipient_kind?: string;
            readonly recipient_id?: components["schemas"]["Id"];
            readonly subject?: string;
            readonly body?: string;
            readonly in_response_to?: components["schemas"]["Id"];
            /** @description The first message of the thread. */
            readonly thread_id: string;
            /** @description A time in UTC, or as much of a date as is known. */
            readonly sent_at?: string;
            /** @description A time in UTC, or as much of a date as is known. */
            readonly read_at?: string;
            readonly version: number;
            /** Format: date-time */
            readonly updated_at: string;
        };
        /** @enum {string} */
        readonly InteractionSetting: "in_person" | "virtual" | "home" | "emergency" | "inpatient";
        readonly InteractionInput: {
            readonly patient_id: components["schemas"]["Id"];
            readonly provider_id?: components["schemas"]["Id"] | null;
            readonly type: string;
            /** @default in_person */
            readonly setting?: components["schemas"]["InteractionSetting"];
            /**
             * Format: date-time
             * @description Not in the future.
             */
            readonly started_at: string;
            /**
             * Format: date-time
             * @description Not before started_at.
             */
            readonly ended_at?: string | null;
            /** @description Markdown. */
            readonly note?: string | null;
            /** @description An active one of /outcomes. */
            readonly outcome?: components["schemas"]["OutcomeCode"] | null;
        };
        readonly InteractionList: {
            readonly data: readonly components["schemas"]["Interaction"][];
            readonly next_cursor: string | null;
            readonly meta: components["schemas"]["ListMeta"];
        };
        readonly Interaction: {
            readonly interaction_id: components["schemas"]["Id"];
            readonly patient_id?: components["schemas"]["Id"];
            readonly provider_id?: components["schemas"]["Id"];
            readonly type?: string;
            readonly setting?: string;
            /** @description A time in UTC, or as much of a date as is known. */
            readonly started_at?: string;
            readonly ended_at?: string;
            readonly note?: string;
            readonly outcome?: string;
            /** @description As it was called then. */
            readonly outcome_label?: string;
            readonly status?: string;
            readonly version: number;
            /** Format: date-time */
            readonly updated_at: string;
        };
        readonly OutcomeCode: string;
        /** @enum {string} */
        readonly OutcomeSeverity: "none" | "low" | "moderate" | "high" | "critical";
        readonly OutcomeInput: {
            readonly code: components["schemas"]["OutcomeCode"];
            readonly label: string;
            readonly severity?: components["schemas"]["OutcomeSeverity"];
            /** @default true */
            readonly is_active?: boolean;
        };
        readonly OutcomeChange: {
            readonly label: string;
            readonly severity?: components["schemas"]["OutcomeSeverity"];
            /** @default true */
            readonly is_active?: boolean;
        };
        readonly OutcomeList: {
            readonly data: readonly components["schemas"]["Outcome"][];
            readonly next_cursor: string | null;
            readonly meta: components["schemas"]["ListMeta"];
        };
        readonly Outcome: {
            readonly code: string;
            readonly label?: string;
            readonly severity?: string;
            /** @description Whether new interactions may have it. */
            readonly is_active: boolean;
        };
        readonly ApiKeyInput: {
            /** @description What it is for. */
            readonly name: string;
            /** @description SMART scopes: `system/…` without roles, `user/…` with them, `patient/…` with a patient_id. */
            readonly scopes: readonly string[];
            readonly roles?: readonly ("patient" | "viewer" | "provider" | "admin")[];
            /** @description The only patient it is good for. */
            readonly patient_id?: components["schemas"]["Id"] | null;
            /** @description Whom it acts for: `Practitioner/ada`. */
            readonly fhir_user?: string | null;
            /** @default 90 */
            readonly expires_in_days?: number;
        };
        readonly ApiKeyRotation: {
            /** @default 90 */
            readonly expires_in_days?: number;
            /**
             * @description How long the secret before is good yet.
             * @default 24
             */
            readonly overlap_hours?: number;
        };
        readonly ApiKeyList: {
            readonly data: readonly components["schemas"]["ApiKey"][];
            readonly next_cursor: string | null;
            readonly meta: components["schemas"]["ListMeta"];
        };
        readonly ApiKey: {
            readonly api_key_id: components["schemas"]["Id"];
            readonly name: string;
            readonly scopes: readonly string[];
            readonly roles: readonly string[];
            /** @description The only patient it is good for. */
            readonly patient_id?: components["schemas"]["Id"];
            readonly fhir_user?: string;
            /** @enum {string} */
            readonly status: "active" | "expired" | "revoked";
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly expires_at: string;
            /** Format: date-time */
            readonly revoked_at?: string;
            /**
             * Format: date-time
             * @description To the hour.
             */
            readonly last_used_at?: string;
            /**
             * Format: date-time
             * @description Until when the secret before the last rotation is taken.
             */
            readonly previous_secret_until?: string;
        };
        readonly TellingApiKey: {
            readonly api_key_id: components["schemas"]["Id"];
            readonly name: string;
            readonly scopes: readonly string[];
            readonly roles: readonly string[];
            /** @description The only patient it is good for. */
            readonly patient_id?: components["schemas"]["Id"];
            readonly fhir_user?: string;
            /** @enum {string} */
            readonly status: "active" | "expired" | "revoked";
            /** Format: date-time */
            readonly created_at: string;
            /** Format: date-time */
            readonly expires_at: string;
            /** Format: date-time */
            readonly revoked_at?: string;
            /**
             * Format: date-time
             * @description To the hour.
             */
            readonly last_used_at?: string;
            /**
             * Format: date-time
             * @description Until when the secret before the last rotation is taken.
             */
            readonly previous_secret_until?: string;
            /** @description What programs send as `X-Api-Key`. Left out of repeated answers. */
            readonly secret?: string;
        };
        readonly Health: {
            /** @enum {string} */
            readonly status: "ok" | "draining" | "unavailable";
            /** @enum {string} */
            readonly reason?: "database";
        };
        readonly ReplicationStatus: {
            /** @enum {string} */
            readonly role: "primary" | "standby";
            /** @description Where the write-ahead log ends. */
            readonly wal_lsn: string;
            /** Format: date-time */
            readonly observed_at: string;
            /** @description Whether the role of the server may see its replicas (`pg_read_all_stats`). */
            readonly is_visible: boolean;
            readonly targets: components["schemas"]["RecoveryTimes"];
            readonly measured: components["schemas"]["RecoveryTimes"];
            readonly replicas: readonly {
                /** @description Its application_name. */
                readonly name: string;
                readonly state: string | null;
                readonly sync: string | null;
                readonly lag_bytes: number | null;
                readonly lag_ms: number | null;
                readonly replay_lsn: string | null;
                /** @description Whether it may answer for the primary. */
                readonly in_service: boolean;
                /**
                 * @description Why it is not in service.
                 * @enum {string}
                 */
                readonly reason?: "not_visible" | "not_streaming" | "silent" | "behind";
            }[];
        };
        readonly RecoveryTimes: {
            /** @description What may be lost. Measured is the lag of the closest replica that is in service. */
            readonly rpo_seconds: number | null;
            /** @description How long it may take until all is served again. Null while it was not measured. */
            readonly rto_seconds: number | null;
        };
    };
    responses: {
        /** @description The request is not as this contract says: `invalid_request`. */
        readonly InvalidRequest: {
            headers: {
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/json": components["schemas"]["Error"];
            };
        };
        /** @description No or no valid credentials: `unauthenticated`. */
        readonly Unauthenticated: {
            headers: {
                readonly "WWW-Authenticate": components["headers"]["WwwAuthenticate"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/json": components["schemas"]["Error"];
            };
        };
        /** @description Scopes or rights are missing: `forbidden`. */
        readonly Forbidden: {
            headers: {
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/json": components["schemas"]["Error"];
            };
        };
        /** @description It does not exist, or the caller may not see it: `not_found`. */
        readonly NotFound: {
            headers: {
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `conflict`, `duplicate` or `idempotency_mismatch`. */
        readonly Conflict: {
            headers: {
                readonly "Retry-After": components["headers"]["RetryAfter"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/json": components["schemas"]["Error"];
            };
        };
        /** @description It was deleted: `deleted`. */
        readonly Deleted: {
            headers: {
                readonly ETag: components["headers"]["ETag"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/json": components["schemas"]["Error"];
            };
        };
        /** @description If-Match names another version: `version_mismatch`. */
        readonly VersionMismatch: {
            headers: {
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/json": components["schemas"]["Error"];
            };
        };
        /** @description The body is too large: `too_large`. */
        readonly TooLarge: {
            headers: {
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/json": components["schemas"]["Error"];
            };
        };
        /** @description `unsupported_media_type` */
        readonly UnsupportedMediaType: {
            headers: {
                /** @description The encodings that are taken, where Content-Encoding is another one. */
                readonly "Accept-Encoding"?: string;
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/json": components["schemas"]["Error"];
            };
        };
        /** @description Fields are at fault; see details: `validation_failed`. */
        readonly ValidationFailed: {
            headers: {
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/json": components["schemas"]["Error"];
            };
        };
        /** @description If-Match is missing: `precondition_required`. */
        readonly PreconditionRequired: {
            headers: {
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/json": components["schemas"]["Error"];
            };
        };
        /** @description Too many requests: `rate_limited`. */
        readonly RateLimited: {
            headers: {
                readonly "Retry-After": components["headers"]["RetryAfterAlways"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/json": components["schemas"]["Error"];
            };
        };
        /** @description Repeat later: `unavailable` or `writes_disabled`. */
        readonly Unavailable: {
            headers: {
                readonly "Retry-After": components["headers"]["RetryAfterAlways"];
                readonly [name: string]: unknown;
            };
            content: {
                readonly "application/json": components["schemas"]["Error"];
            };
        };
    };
    parameters: {
        /** @description Items a page. */
        readonly Limit: number;
        /** @description `next_cursor` of the page before. */
        readonly Cursor: string;
        /** @description Whether to count all items: `meta.pagination.total`. */
        readonly Total: boolean;
        readonly Id: components["schemas"]["Id"];
        readonly RecordId: components["schemas"]["RecordId"];
        /** @description The ETag of the version that is known: `W/"3"`. */
        readonly IfMatch: components["schemas"]["ETag"];
        /** @description The ETag of the version that is known: `W/"3"`. */
        readonly IfMatchOptional: components["schemas"]["ETag"];
        /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
        readonly IdempotencyKey: string;
        /** @description As it was at this time. */
        readonly AsOf: string;
        readonly ExportFormat: "csv" | "json" | "ndjson";
    };
    requestBodies: never;
    headers: {
        /** @description That of the request or a new one. */
        readonly RequestId: string;
        /** @description The version. */
        readonly ETag: components["schemas"]["ETag"];
        /** @description When this version was written. */
        readonly LastModified: string;
        /** @description Where it is, told also to who may write it but not read it. */
        readonly Location: string;
        /** @description How to authenticate. */
        readonly WwwAuthenticate: string;
        /** @description Seconds. */
        readonly RetryAfter: string;
        /** @description Seconds. */
        readonly RetryAfterAlways: string;
        /** @description `true`: the answer is that of the first request with this key. */
        readonly IdempotencyReplayed: "true";
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    readonly listPatients: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
                /** @description The beginning of a family name. */
                readonly family_name?: string;
                /** @description The beginning of a given name. */
                readonly given_name?: string;
                /** @description Date of birth. */
                readonly dob?: string;
                readonly email?: string;
                /** @description E.164; a plus sign is escaped as `%2B`. */
                readonly phone?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of patients, those registered last first. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["PatientList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly createPatient: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["PatientInput"];
            };
        };
        readonly responses: {
            /** @description The patient as registered. */
            readonly 201: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly Location: components["headers"]["Location"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Patient"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 409: components["responses"]["Conflict"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getMe: {
        readonly parameters: {
            readonly query?: {
                /** @description As it was at this time. */
                readonly as_of?: components["parameters"]["AsOf"];
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The patient. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Patient"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly replaceMe: {
        readonly parameters: {
            readonly query?: never;
            readonly header: {
                /** @description The ETag of the version that is known: `W/"3"`. */
                readonly "If-Match": components["parameters"]["IfMatch"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["PatientInput"];
            };
        };
        readonly responses: {
            /** @description The patient as it is now. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Patient"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 428: components["responses"]["PreconditionRequired"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getPatient: {
        readonly parameters: {
            readonly query?: {
                /** @description As it was at this time. */
                readonly as_of?: components["parameters"]["AsOf"];
            };
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The patient. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Patient"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly replacePatient: {
        readonly parameters: {
            readonly query?: never;
            readonly header: {
                /** @description The ETag of the version that is known: `W/"3"`. */
                readonly "If-Match": components["parameters"]["IfMatch"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["PatientInput"];
            };
        };
        readonly responses: {
            /** @description The patient as it is now. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Patient"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 428: components["responses"]["PreconditionRequired"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly recordDiagnosis: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["DiagnosisInput"];
            };
        };
        readonly responses: {
            /** @description The record as stored. */
            readonly 201: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly Location: components["headers"]["Location"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Record"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly deletePatient: {
        readonly parameters: {
            readonly query?: {
                /** @description Destroys the key of the record, for good: nobody reads it any more. For administrators. */
                readonly erase?: boolean;
                /** @description Why it is erased; needed with it. */
                readonly reason?: string;
            };
            readonly header: {
                /** @description The ETag of the version that is known: `W/"3"`. */
                readonly "If-Match": components["parameters"]["IfMatch"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description It is deleted, or was before. */
            readonly 204: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 428: components["responses"]["PreconditionRequired"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listPatientHistory: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
            };
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of versions. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["PatientHistory"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listPatientRecord: {
        readonly parameters: {
            readonly query?: {
                /** @description As it was at this time. */
                readonly as_of?: components["parameters"]["AsOf"];
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
            };
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of the record, in the order in which it came to be. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["PatientRecord"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listRecords: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
                readonly kind?: components["schemas"]["RecordKind"];
                readonly sensitivity?: "normal" | "restricted";
            };
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of records, those written last first. Kinds that the caller may not search are left out. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["RecordList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly createRecord: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["RecordInput"];
            };
        };
        readonly responses: {
            /** @description The record as stored. */
            readonly 201: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly Location: components["headers"]["Location"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Record"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getRecord: {
        readonly parameters: {
            readonly query?: {
                /** @description As it was at this time. */
                readonly as_of?: components["parameters"]["AsOf"];
            };
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
                readonly record_id: components["parameters"]["RecordId"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The record. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Record"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly replaceRecord: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the version that is known: `W/"3"`. */
                readonly "If-Match"?: components["parameters"]["IfMatchOptional"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
                readonly record_id: components["parameters"]["RecordId"];
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["RecordInput"];
            };
        };
        readonly responses: {
            /** @description The record as it is now. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Record"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly deleteRecord: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the version that is known: `W/"3"`. */
                readonly "If-Match"?: components["parameters"]["IfMatchOptional"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
                readonly record_id: components["parameters"]["RecordId"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description It is deleted. */
            readonly 204: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly downloadAttachment: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
                readonly record_id: components["parameters"]["RecordId"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The file. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    /** @description Always `attachment`, with the title as its name. */
                    readonly "Content-Disposition"?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "*/*": string;
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly uploadAttachment: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the version that is known: `W/"3"`. */
                readonly "If-Match"?: components["parameters"]["IfMatchOptional"];
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
                readonly record_id: components["parameters"]["RecordId"];
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "*/*": string;
            };
        };
        readonly responses: {
            /** @description The document as it is now. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Record"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listShares: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
            };
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of shares, those given last first. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ShareList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly createShare: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["ShareInput"];
            };
        };
        readonly responses: {
            /** @description The share, which holds from the next request. */
            readonly 201: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly Location: components["headers"]["Location"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Share"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly restrictRecords: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["RestrictionsInput"];
            };
        };
        readonly responses: {
            /** @description What is restricted now. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Restrictions"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listSignatures: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
            };
            readonly header?: never;
            readonly path: {
                readonly record_id: components["parameters"]["RecordId"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of signatures, newest first, and the public key that they are verified with. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SignatureList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly signRecord: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the version that is known: `W/"3"`. */
                readonly "If-Match"?: components["parameters"]["IfMatchOptional"];
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path: {
                readonly record_id: components["parameters"]["RecordId"];
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["SignatureInput"];
            };
        };
        readonly responses: {
            /** @description The signature. */
            readonly 201: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Signature"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly askForSignature: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the version that is known: `W/"3"`. */
                readonly "If-Match"?: components["parameters"]["IfMatchOptional"];
            };
            readonly path: {
                readonly record_id: components["parameters"]["RecordId"];
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["SignatureAsked"];
            };
        };
        readonly responses: {
            /** @description What is to be confirmed. */
            readonly 201: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["SignatureConfirmation"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listAudit: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
                /** @description Whom it concerns; a patient names himself. */
                readonly patient_id?: components["schemas"]["Id"];
                /** @description `Practitioner/7`, or the subject of an account or id of a client. */
                readonly actor?: string;
                readonly action?: "read" | "search" | "history" | "create" | "update" | "delete" | "operation" | "batch";
                readonly from?: string;
                readonly to?: string;
                /** @description Whether changes are told with what they changed. */
                readonly diff?: boolean;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of events. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AuditList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly deleteShare: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the version that is known: `W/"3"`. */
                readonly "If-Match"?: components["parameters"]["IfMatchOptional"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description It is ended. */
            readonly 204: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly restorePatient: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The patient. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Patient"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly revertPatient: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the version that is known: `W/"3"`. */
                readonly "If-Match"?: components["parameters"]["IfMatchOptional"];
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": {
                    /** Format: date-time */
                    readonly as_of: string;
                };
            };
        };
        readonly responses: {
            /** @description The new version. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Patient"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listProviders: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
                /** @description The beginning of a part of the name. */
                readonly name?: string;
                readonly npi?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of providers, those written last first. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ProviderList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly createProvider: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["ProviderInput"];
            };
        };
        readonly responses: {
            /** @description The provider as registered. */
            readonly 201: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly Location: components["headers"]["Location"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Provider"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 409: components["responses"]["Conflict"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getProvider: {
        readonly parameters: {
            readonly query?: {
                /** @description As it was at this time. */
                readonly as_of?: components["parameters"]["AsOf"];
            };
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The provider. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Provider"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly replaceProvider: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the version that is known: `W/"3"`. */
                readonly "If-Match"?: components["parameters"]["IfMatchOptional"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["ProviderInput"];
            };
        };
        readonly responses: {
            /** @description The provider as he is now. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Provider"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listMedications: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
                readonly patient_id?: components["schemas"]["Id"];
                readonly status?: components["schemas"]["MedicationStatus"];
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of medications, those written last first. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["MedicationList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly createMedication: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["MedicationInput"];
            };
        };
        readonly responses: {
            /** @description The medication as recorded. */
            readonly 201: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly Location: components["headers"]["Location"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Medication"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 409: components["responses"]["Conflict"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getMedication: {
        readonly parameters: {
            readonly query?: {
                /** @description As it was at this time. */
                readonly as_of?: components["parameters"]["AsOf"];
            };
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The medication. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Medication"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly replaceMedication: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the version that is known: `W/"3"`. */
                readonly "If-Match"?: components["parameters"]["IfMatchOptional"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["MedicationInput"];
            };
        };
        readonly responses: {
            /** @description The medication as it is now. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Medication"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listMyMedications: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
                readonly status?: components["schemas"]["MedicationStatus"];
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of medications, those written last first. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["MedicationList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listAppointments: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
                readonly patient_id?: components["schemas"]["Id"];
                readonly provider_id?: components["schemas"]["Id"];
                /** @description Not before this time. */
                readonly from?: string;
                /** @description Before this time. */
                readonly to?: string;
                readonly status?: components["schemas"]["AppointmentStatus"];
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of appointments, in the order of their times. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AppointmentList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly createAppointment: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["AppointmentInput"];
            };
        };
        readonly responses: {
            /** @description The appointment as booked. */
            readonly 201: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly Location: components["headers"]["Location"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Appointment"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 409: components["responses"]["Conflict"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getAppointment: {
        readonly parameters: {
            readonly query?: {
                /** @description As it was at this time. */
                readonly as_of?: components["parameters"]["AsOf"];
            };
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The appointment. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Appointment"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly replaceAppointment: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the version that is known: `W/"3"`. */
                readonly "If-Match"?: components["parameters"]["IfMatchOptional"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["AppointmentInput"];
            };
        };
        readonly responses: {
            /** @description The appointment as it is now. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Appointment"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly cancelAppointment: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the version that is known: `W/"3"`. */
                readonly "If-Match"?: components["parameters"]["IfMatchOptional"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description It is cancelled, or was before. */
            readonly 204: {
                headers: {
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listMyAppointments: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
                /** @description Not before this time. */
                readonly from?: string;
                /** @description Before this time. */
                readonly to?: string;
                readonly status?: components["schemas"]["AppointmentStatus"];
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of appointments, in the order of their times. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["AppointmentList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listLabResults: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
                readonly patient_id?: components["schemas"]["Id"];
                /** @description A LOINC code or one of the house, of any system. */
                readonly test_code?: string;
                /** @description Not before this time. */
                readonly from?: string;
                /** @description Before this time. */
                readonly to?: string;
                readonly status?: components["schemas"]["LabResultStatus"];
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of results, newest first. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["LabResultList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly createLabResult: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["LabResultInput"];
            };
        };
        readonly responses: {
            /** @description The result as recorded. */
            readonly 201: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly Location: components["headers"]["Location"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["LabResult"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 409: components["responses"]["Conflict"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getLabResult: {
        readonly parameters: {
            readonly query?: {
                /** @description As it was at this time. */
                readonly as_of?: components["parameters"]["AsOf"];
            };
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The result. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["LabResult"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getLabTrends: {
        readonly parameters: {
            readonly query?: {
                /** @description Not before this time. */
                readonly from?: string;
                /** @description Before this time. */
                readonly to?: string;
            };
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The series, oldest first. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["LabTrends"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly explainLabResult: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The explanation. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["LabExplanation"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listMyLabResults: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
                /** @description A LOINC code or one of the house, of any system. */
                readonly test_code?: string;
                /** @description Not before this time. */
                readonly from?: string;
                /** @description Before this time. */
                readonly to?: string;
                readonly status?: components["schemas"]["LabResultStatus"];
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of results, newest first. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["LabResultList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listMessages: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
                readonly patient_id?: components["schemas"]["Id"];
                readonly provider_id?: components["schemas"]["Id"];
                /** @description A thread's first message. */
                readonly thread_id?: components["schemas"]["Id"];
                readonly unread?: boolean;
                /** @description Not before this time. */
                readonly from?: string;
                /** @description Before this time. */
                readonly to?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of messages, newest first. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["MessageList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly sendMessage: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["MessageInput"];
            };
        };
        readonly responses: {
            /** @description The message as sent. */
            readonly 201: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly Location: components["headers"]["Location"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Message"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 409: components["responses"]["Conflict"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getMessage: {
        readonly parameters: {
            readonly query?: {
                /** @description As it was at this time. */
                readonly as_of?: components["parameters"]["AsOf"];
            };
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The message. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Message"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly readMessage: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The message. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Message"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 410: components["responses"]["Deleted"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listMyMessages: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
                /** @description A thread's first message. */
                readonly thread_id?: components["schemas"]["Id"];
                readonly unread?: boolean;
                /** @description Not before this time. */
                readonly from?: string;
                /** @description Before this time. */
                readonly to?: string;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of messages, newest first. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["MessageList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly sendMyMessage: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["MyMessageInput"];
            };
        };
        readonly responses: {
            /** @description The message as sent. */
            readonly 201: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly Location: components["headers"]["Location"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Message"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listInteractions: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
                readonly patient_id?: components["schemas"]["Id"];
                readonly provider_id?: components["schemas"]["Id"];
                /** @description Not before this time. */
                readonly from?: string;
                /** @description Before this time. */
                readonly to?: string;
                /** @description Its code. */
                readonly outcome?: components["schemas"]["OutcomeCode"];
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of interactions, newest first. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["InteractionList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly createInteraction: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["InteractionInput"];
            };
        };
        readonly responses: {
            /** @description The interaction as recorded. */
            readonly 201: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly Location: components["headers"]["Location"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Interaction"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 409: components["responses"]["Conflict"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getInteraction: {
        readonly parameters: {
            readonly query?: {
                /** @description As it was at this time. */
                readonly as_of?: components["parameters"]["AsOf"];
            };
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The interaction. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Interaction"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 410: components["responses"]["Deleted"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listOutcomes: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
                /** @description Whether to count all items: `meta.pagination.total`. */
                readonly total?: components["parameters"]["Total"];
                readonly is_active?: boolean;
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description Outcomes in the order of the list. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["OutcomeList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly createOutcome: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["OutcomeInput"];
            };
        };
        readonly responses: {
            /** @description The outcome as added. */
            readonly 201: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Outcome"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 409: components["responses"]["Conflict"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly replaceOutcome: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description The ETag of the version that is known: `W/"3"`. */
                readonly "If-Match"?: components["parameters"]["IfMatchOptional"];
            };
            readonly path: {
                readonly code: components["schemas"]["OutcomeCode"];
            };
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["OutcomeChange"];
            };
        };
        readonly responses: {
            /** @description The outcome as it is now. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly ETag: components["headers"]["ETag"];
                    readonly "Last-Modified": components["headers"]["LastModified"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Outcome"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 412: components["responses"]["VersionMismatch"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly startImport: {
        readonly parameters: {
            readonly query?: {
                /** @description What the lines are. */
                readonly resource?: components["schemas"]["BulkResource"];
                /** @description Looks at all lines and writes none. */
                readonly dry_run?: boolean;
                /** @description What becomes of the others when a line is refused. */
                readonly mode?: components["schemas"]["ImportMode"];
            };
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                /**
                 * @example given_name,family_name,date_of_birth,phone_e164,address.city
                 *     Ada,Lovelace,1985-12-10,'+442079460018,London
                 */
                readonly "text/csv": string;
                /** @example {"given_name":"Ada","family_name":"Lovelace","date_of_birth":"1985-12-10"} */
                readonly "application/x-ndjson": string;
                /**
                 * @example [
                 *       {
                 *         "given_name": "Ada",
                 *         "family_name": "Lovelace",
                 *         "date_of_birth": "1985-12-10"
                 *       }
                 *     ]
                 */
                readonly "application/json": readonly Record<string, never>[];
            };
        };
        readonly responses: {
            /** @description The job that does it. Repeated with the same Idempotency-Key, the same job. */
            readonly 202: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    /** @description Where to ask how far it is. */
                    readonly Location?: string;
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["JobAccepted"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 409: components["responses"]["Conflict"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getImport: {
        readonly parameters: {
            readonly query?: {
                /** @description Errors of lines behind this one; see `errors_next`. */
                readonly errors_after?: number;
            };
            readonly header?: never;
            readonly path: {
                /** @description The id that the job was given. */
                readonly job: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The import. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ImportJob"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly cancelImport: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                /** @description The id that the job was given. */
                readonly job: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description It has ended, or is removed. */
            readonly 204: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getImportQuarantine: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                /** @description The id that the job was given. */
                readonly job: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The lines, in the format of the file; CSV in UTF-8 with its header. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    /** @description A name for the file. */
                    readonly "Content-Disposition"?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "text/csv": string;
                    readonly "application/x-ndjson": string;
                    readonly "application/json": readonly Record<string, never>[];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly exportNow: {
        readonly parameters: {
            readonly query?: {
                readonly format?: components["parameters"]["ExportFormat"];
                /** @description What is exported. */
                readonly resource?: components["schemas"]["BulkResource"];
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The rows. CSV in UTF-8; before what a spreadsheet would run as a formula stands an apostrophe. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    /** @description A name for the file. */
                    readonly "Content-Disposition"?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "text/csv": string;
                    readonly "application/x-ndjson": string;
                    readonly "application/json": readonly Record<string, never>[];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly startExport: {
        readonly parameters: {
            readonly query?: {
                readonly format?: components["parameters"]["ExportFormat"];
                /** @description What is exported. */
                readonly resource?: components["schemas"]["BulkResource"];
            };
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The job that does it. Repeated with the same Idempotency-Key, the same job. */
            readonly 202: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    /** @description Where to ask how far it is. */
                    readonly Location?: string;
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["JobAccepted"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 409: components["responses"]["Conflict"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getExport: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                /** @description The id that the job was given. */
                readonly job: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The export. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ExportJob"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly cancelExport: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                /** @description The id that the job was given. */
                readonly job: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description It has ended, or is removed. */
            readonly 204: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getExportFile: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                /** @description The id that the job was given. */
                readonly job: string;
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The file. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    /** @description A name for the file. */
                    readonly "Content-Disposition"?: string;
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "text/csv": string;
                    readonly "application/x-ndjson": string;
                    readonly "application/json": readonly Record<string, never>[];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly listApiKeys: {
        readonly parameters: {
            readonly query?: {
                /** @description Items a page. */
                readonly limit?: components["parameters"]["Limit"];
                /** @description `next_cursor` of the page before. */
                readonly cursor?: components["parameters"]["Cursor"];
            };
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description A page of keys, those made last first. Never with a secret. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ApiKeyList"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly createApiKey: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody: {
            readonly content: {
                readonly "application/json": components["schemas"]["ApiKeyInput"];
            };
        };
        readonly responses: {
            /** @description The key. */
            readonly 201: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["TellingApiKey"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 409: components["responses"]["Conflict"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getApiKey: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The key without its secret. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ApiKey"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly revokeApiKey: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description It is revoked. */
            readonly 204: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content?: never;
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly rotateApiKey: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: {
                /** @description Makes the request repeatable, for 24 hours. The same key with another request is 409 `idempotency_mismatch`. */
                readonly "Idempotency-Key"?: components["parameters"]["IdempotencyKey"];
            };
            readonly path: {
                readonly id: components["parameters"]["Id"];
            };
            readonly cookie?: never;
        };
        readonly requestBody?: {
            readonly content: {
                readonly "application/json": components["schemas"]["ApiKeyRotation"];
            };
        };
        readonly responses: {
            /** @description The key. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly "Idempotency-Replayed": components["headers"]["IdempotencyReplayed"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["TellingApiKey"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 404: components["responses"]["NotFound"];
            readonly 409: components["responses"]["Conflict"];
            readonly 413: components["responses"]["TooLarge"];
            readonly 415: components["responses"]["UnsupportedMediaType"];
            readonly 422: components["responses"]["ValidationFailed"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
    readonly getHealth: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description It does. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Health"];
                };
            };
            /** @description It does not. */
            readonly 503: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["Health"];
                };
            };
        };
    };
    readonly getReplicationStatus: {
        readonly parameters: {
            readonly query?: never;
            readonly header?: never;
            readonly path?: never;
            readonly cookie?: never;
        };
        readonly requestBody?: never;
        readonly responses: {
            /** @description The replicas, beside what was promised. */
            readonly 200: {
                headers: {
                    readonly "X-Request-Id": components["headers"]["RequestId"];
                    readonly [name: string]: unknown;
                };
                content: {
                    readonly "application/json": components["schemas"]["ReplicationStatus"];
                };
            };
            readonly 400: components["responses"]["InvalidRequest"];
            readonly 401: components["responses"]["Unauthenticated"];
            readonly 403: components["responses"]["Forbidden"];
            readonly 429: components["responses"]["RateLimited"];
            readonly 503: components["responses"]["Unavailable"];
        };
    };
}
