/** What of these types is a string that counts on its own. */
export const partNames: Readonly<Record<string, readonly string[]>> = {
  HumanName: ['family', 'given', 'text', 'prefix', 'suffix'],
  Address: ['line', 'city', 'district', 'state', 'postalCode', 'country', 'text'],
};
