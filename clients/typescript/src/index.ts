export { apiKey, backendServices, bearer, type BackendOptions, type Credentials } from './credentials.ts';
export { type Bundle, fhirClient, type FhirClient, FhirFault, type Resource, type SearchParameters } from './fhir.ts';
export { nativeClient, type NativeClient } from './native.ts';
