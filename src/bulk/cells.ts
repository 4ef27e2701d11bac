/** What a spreadsheet takes for a formula, and our mark before it. @see https://owasp.org/www-community/attacks/CSV_Injection */
const formula = /^'*[=+\-@＝＋－＠\t\r\n]/;
const marked = /^'+[=+\-@＝＋－＠\t\r\n]/;

/** A cell that a spreadsheet shows and never runs: where it could, an apostrophe is put before. `readCell` takes that off again. */
export const writeCell = (text: string): string => (formula.test(text) ? `'${text}` : text);

/** The text of a cell without the apostrophe that keeps it from being a formula. */
export const readCell = (cell: string): string => (marked.test(cell) ? cell.slice(1) : cell);
