/** The one style sheet of the pages: light and dark, from the width of a phone on, and nothing that has to be fetched elsewhere. */
export const styleSheet = `
:root { color-scheme: light dark; --ink: #17212b; --paper: #ffffff; --quiet: #4b5a68; --line: #8593a1; --ground: #eef2f5; --main: #0b5a8a; --on-main: #ffffff; --warn: #7a1f12; --warn-ground: #fdece9; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edf2; --paper: #18212a; --quiet: #b4c0cb; --line: #75838f; --ground: #0f161d; --main: #7cc4f2; --on-main: #08202f; --warn: #ffb4a8; --warn-ground: #43201b; }
}
* { box-sizing: border-box; }
html { background: var(--ground); color: var(--ink); font: 100%/1.5 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
body { margin: 0; padding: 1rem; }
main { max-width: 38rem; margin: 1rem auto; padding: 1.5rem; background: var(--paper); border-radius: 0.75rem; }
header { max-width: 38rem; margin: 0 auto; color: var(--quiet); font-weight: 600; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.125rem; margin: 1.5rem 0 0.25rem; overflow-wrap: anywhere; }
p { margin: 0.5rem 0; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
label { display: block; font-weight: 600; margin-top: 1rem; }
input[type=text], input[type=password], input[type=date] { width: 100%; min-height: 2.75rem; padding: 0.5rem 0.75rem; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 0.5rem; }
input[aria-invalid=true] { border: 2px solid var(--warn); }
.choice { display: flex; gap: 0.625rem; align-items: flex-start; font-weight: 400; margin-top: 0.375rem; min-height: 1.75rem; }
.choice input { flex: none; width: 1.25rem; height: 1.25rem; margin: 0.125rem 0 0; accent-color: var(--main); }
.inner { margin-left: 1.875rem; }
fieldset { border: 1px solid var(--line); border-radius: 0.5rem; margin: 1rem 0 0; padding: 0.5rem 1rem 1rem; min-width: 0; }
fieldset fieldset { border: 0; padding: 0; margin: 0.75rem 0 0; }
legend { font-weight: 600; padding: 0 0.25rem; }
fieldset fieldset > legend { padding: 0; }
button { min-height: 2.75rem; padding: 0.5rem 1.25rem; font: inherit; font-weight: 600; border-radius: 0.5rem; border: 1px solid var(--main); background: var(--main); color: var(--on-main); cursor: pointer; }
button.second { background: transparent; color: var(--main); }
.buttons { display: flex; flex-wrap: wrap; gap: 0.75rem; margin-top: 1.5rem; }
a { color: var(--main); }
:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
.fault, .warning { color: var(--warn); background: var(--warn-ground); border-radius: 0.5rem; padding: 0.625rem 0.875rem; margin: 0.75rem 0; }
ul.rows { list-style: none; margin: 0.75rem 0 0; padding: 0; }
ul.rows > li { border-top: 1px solid var(--line); padding: 0.75rem 0; }
.row { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; justify-content: space-between; align-items: center; }
.row > * { overflow-wrap: anywhere; min-width: 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1rem; margin: 0.75rem 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
svg.qr { display: block; width: 14rem; height: 14rem; max-width: 100%; margin: 1rem auto; background: #ffffff; }
code, pre { font: 0.9375rem/1.5 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; white-space: pre-wrap; }
ol.codes { columns: 2; padding-left: 1.5rem; }
@media (max-width: 30rem) { body { padding: 0; } main { border-radius: 0; margin: 0; } header { padding: 0.75rem 1.5rem 0; } ol.codes { columns: 1; } .buttons button { width: 100%; } }
`;
