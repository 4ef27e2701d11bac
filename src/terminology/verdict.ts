/** Whether a code may stand where a value set is bound. `system` is undefined for a `code` element, whose system is implied. */
export type CodeQuestion = {
  /** Canonical url, with or without `|version`. Undefined: whether the system has the code at all. */
  readonly valueSet: string | undefined;
  readonly system: string | undefined;
  readonly version?: string;
  readonly code: string;
};

export type CodeVerdict =
  /** It is in the value set; `displays` are the concept's display and designations, where they are known. */
  | { readonly kind: 'in'; readonly displays: readonly string[]; readonly inactive?: true; readonly abstract?: true }
  /** It isn't. `unknown`: its code system, which is here in whole, has no such code at all. `nearest`: one that may be meant. */
  | {
      readonly kind: 'out';
      readonly unknown: boolean;
      /** Sought for when it is first read. */
      readonly nearest?: Nearest | undefined;
    }
  /** It can't be told here; `why` names what isn't loaded, as a sentence for the client. */
  | { readonly kind: 'unchecked'; readonly why: string };

export type Nearest = { readonly system: string; readonly code: string; readonly display?: string };

/** The part of terminology that validation asks. */
export type CodeChecker = {
  /** The verdict, if it follows from what is in memory; undefined: ask `later`. Costs no more than a look-up in a map. */
  readonly now: (question: CodeQuestion) => CodeVerdict | undefined;
  /** The verdicts in the order of the questions; what could be loaded is in memory afterwards. Never throws for a question. */
  readonly later: (questions: readonly CodeQuestion[]) => Promise<readonly CodeVerdict[]>;
};
