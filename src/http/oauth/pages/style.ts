/** The one style sheet of the pages: light and dark, from the width of a phone on, and nothing that has to be fetched elsewhere. */
export const styleSheet = `
:root { color-scheme: light dark; --ink: #17212b; --paper: #ffffff; --quiet: #4b5a68; --line: #8593a1; --soft: #d5dde4; --ground: #eef2f5; --main: #0b5a8a; --on-main: #ffffff; --fault: #8c1d10; --fault-ground: #fdece9; --note: #4a3a08; --note-ground: #fdf3d6; --good: #0f4a2a; --good-ground: #e2f4e8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edf2; --paper: #18212a; --quiet: #b4c0cb; --line: #75838f; --soft: #35424e; --ground: #0f161d; --main: #7cc4f2; --on-main: #08202f; --fault: #ffb4a8; --fault-ground: #43201b; --note: #f4dd9a; --note-ground: #3a3012; --good: #b4e6c6; --good-ground: #17382a; }
}
* { box-sizing: border-box; }
html { background: var(--ground); color: var(--ink); font: 100%/1.5 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
body { margin: 0; padding: 1rem; }
main { max-width: 36rem; margin: 0.75rem auto 2rem; padding: 1.75rem 2rem 2rem; background: var(--paper); border-radius: 0.75rem; overflow-wrap: anywhere; }
main:focus { outline: none; }
header { max-width: 36rem; margin: 0 auto; display: flex; flex-wrap: wrap; gap: 0.25rem 1.5rem; align-items: center; justify-content: space-between; color: var(--quiet); font-weight: 600; }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; align-items: center; font-weight: 400; }
nav a { padding: 0.375rem 0; }
nav a[aria-current] { color: var(--ink); font-weight: 600; text-decoration: none; }
.skip { position: absolute; left: 1rem; top: -6rem; padding: 0.5rem 1rem; background: var(--paper); border-radius: 0.5rem; }
.skip:focus { top: 0.5rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.5rem; }
h2 { font-size: 1.125rem; line-height: 1.3; margin: 2rem 0 0.5rem; }
p { margin: 0.5rem 0; }
.quiet { color: var(--quiet); }
label { display: block; font-weight: 600; margin: 1.25rem 0 0.25rem; }
.hint { color: var(--quiet); margin: 0 0 0.375rem; }
input[type=text], input[type=password], input[type=date] { width: 100%; min-height: 2.75rem; padding: 0.5rem 0.75rem; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 0.5rem; }
input[aria-invalid=true] { border: 2px solid var(--fault); }
.choice { display: flex; gap: 0.625rem; align-items: flex-start; font-weight: 400; margin: 0; padding: 0.3125rem 0; }
.choice input { flex: none; width: 1.25rem; height: 1.25rem; margin: 0.125rem 0 0; accent-color: var(--main); }
.inner { margin-left: 1.875rem; }
/* Kinds stand open once they matter, and as long as one is ticked; where a browser can't tell, always. */
fieldset:has(> label > input[value=some]:not(:checked)):not(:has(> .inner input:checked)) > .inner { display: none; }
fieldset { border: 0; border-top: 1px solid var(--soft); margin: 1.5rem 0 0; padding: 0.5rem 0 0; min-width: 0; }
fieldset > legend { float: left; width: 100%; padding: 0.5rem 0 0.25rem; font-size: 1.125rem; font-weight: 600; }
fieldset > legend + * { clear: both; }
fieldset fieldset { border: 0; margin: 0; padding: 0; }
fieldset fieldset > legend { font-size: 1rem; }
button { min-height: 2.75rem; padding: 0.5rem 1.25rem; font: inherit; font-weight: 600; border-radius: 0.5rem; border: 1px solid var(--main); background: var(--main); color: var(--on-main); cursor: pointer; }
button.second { background: transparent; color: var(--main); }
a.button { display: inline-flex; align-items: center; justify-content: center; box-sizing: border-box; min-height: 2.75rem; padding: 0.5rem 1.25rem; font-weight: 600; border-radius: 0.5rem; border: 1px solid var(--main); color: var(--main); text-decoration: none; }
button.plain { min-height: 0; padding: 0.375rem 0; border: 0; background: transparent; color: var(--main); font-weight: 400; text-decoration: underline; }
.buttons { display: flex; flex-wrap: wrap; gap: 0.75rem; margin-top: 1.5rem; }
form + form .buttons, form + .buttons, .buttons + form .buttons { margin-top: 0.75rem; }
a { color: var(--main); }
input[type=date]:focus-within, :focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
.fault, .warning, .good { border-radius: 0.5rem; padding: 0.625rem 0.875rem; margin: 0.75rem 0; }
.fault { color: var(--fault); background: var(--fault-ground); }
.warning { color: var(--note); background: var(--note-ground); }
.good { color: var(--good); background: var(--good-ground); }
label + .fault, .hint + .fault { margin: 0 0 0.5rem; }
ul.rows { list-style: none; margin: 0.75rem 0 0; padding: 0; }
ul.rows > li { border-top: 1px solid var(--soft); padding: 0.75rem 0; }
ul.rows h2 { margin-top: 0.5rem; }
ul.plain { margin: 0; padding-left: 1.125rem; }
.row { display: flex; gap: 1rem; justify-content: space-between; align-items: center; }
.row > * { min-width: 0; }
.row > button { flex: none; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.375rem 1.25rem; margin: 0.75rem 0; }
dt { color: var(--quiet); }
dd { margin: 0; min-width: 0; }
svg.qr { display: block; width: 14rem; height: 14rem; max-width: 100%; margin: 1rem auto; background: #ffffff; border-radius: 0.5rem; }
code, pre { font: 0.9375rem/1.5 ui-monospace, Menlo, Consolas, monospace; white-space: pre-wrap; }
ol.codes { columns: 2; margin: 1rem 0; padding-left: 2rem; }
ol.codes li { padding: 0.125rem 0; }
ol.codes code { white-space: nowrap; }
@media (max-width: 30rem) {
  body { padding: 0; }
  header { padding: 0.75rem 1.25rem 0; }
  main { border-radius: 0; margin: 0.75rem 0 0; padding: 1.5rem 1.25rem 2rem; }
  ol.codes { columns: 1; }
  .buttons form, .buttons button, .buttons a.button { width: 100%; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd + dt { margin-top: 0.5rem; }
}
@media (forced-colors: active) { .fault, .warning, .good { border: 1px solid; } }
`;
