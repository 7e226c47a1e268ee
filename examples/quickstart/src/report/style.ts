/** The report's style sheet; follows the reader's light or dark scheme. */
export const style = `
:root { color-scheme: light dark; --ink: #1b1e23; --soft: #667; --line: #d8dbe0; --back: #fff; --accent: #4269d0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8ea; --soft: #9aa; --line: #3a3f47; --back: #16181c; --accent: #8aa5f0; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1160px; margin: 2rem auto; padding: 0 1rem; color: var(--ink); background: var(--back); }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; width: 100%; } th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--line); text-align: right; }
th:first-child, td:nth-child(2) { text-align: left; } td:not(:nth-child(2)), th:first-child { white-space: nowrap; } thead th { color: var(--soft); font-weight: 500; }
.note { color: var(--soft); } .legend span { margin-right: 1rem; white-space: nowrap; }
.legend i { display: inline-block; width: 1.1em; height: .3em; margin-right: .4em; vertical-align: middle; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 1rem; }
svg { width: 100%; height: auto; display: block; margin-bottom: 1rem; } svg text { fill: var(--ink); font: 11px system-ui, sans-serif; } svg .title { font-weight: 600; font-size: 12px; }
svg .tick { fill: var(--soft); } svg .grid { stroke: var(--line); } svg .cell { fill: var(--accent); stroke: var(--line); stroke-width: .3; }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 1rem; }
figure { margin: 0; } figcaption { color: var(--soft); } .digit { width: 84px; border: 1px solid var(--line); fill: var(--ink); }
.gallery ul { list-style: none; padding: 0; margin: .2rem 0; font-size: 13px; } .right::before { content: '✓ '; color: #3ca951; } .wrong::before { content: '✗ '; color: #e5484d; } .wrong { color: var(--soft); }
`;
