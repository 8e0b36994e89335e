/**
 * The style of the page: dark and light by the reader's setting, from a phone to a wall.
 *
 * Contrast of text is 4.5 to 1 and more in both; focus is always seen; nothing moves by itself.
 */
export const STYLE = `
:root{color-scheme:light dark;--bg:#f5f6f8;--card:#fff;--line:#dfe3e8;--text:#1a2129;--dim:#59636f;
--link:#0b5fad;--good:#157347;--warn:#8a5a00;--bad:#b3261e;--idle:#59636f;--ok:#8fa8c2;
--upstream:#b8322a;--overload:#8a5000;--network:#7133e0;--proxy:#1862bd;--client:#5d6875;
--self:#a81f76;--p50:#1862bd;--p95:#7c3aed;--p99:#945700;--shade:rgba(20,30,45,.05);
--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
@media (prefers-color-scheme:dark){:root{--bg:#0e1216;--card:#161b21;--line:#29313a;--text:#e4e9ee;
--dim:#98a4b1;--link:#7cb9f5;--good:#56c98b;--warn:#edb54a;--bad:#ff8177;--idle:#98a4b1;
--ok:#4f6b88;
--upstream:#f2695f;--overload:#e8a33d;--network:#b794f6;--proxy:#5ea8ef;--client:#8d99a6;
--self:#ef7fc0;--p50:#5ea8ef;--p95:#b794f6;--p99:#e8a33d;--shade:rgba(255,255,255,.04)}}
*{box-sizing:border-box}
html{scroll-padding-top:4.5rem}
body{margin:0;background:var(--bg);color:var(--text);
font:14px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif}
h1,h2,h3,h4,p,dl,dd,ul,ol,figure{margin:0}
a{color:var(--link);text-underline-offset:3px}
/* Below the underscores of a name, so that they can be seen. */
a.code,a.more{text-underline-offset:5px}
:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
main:focus{outline:none}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:-99rem;top:0;background:var(--card);padding:.5rem 1rem;z-index:9}
.skip:focus{left:0}
.dim,.hint,.empty{color:var(--dim)}
.top{position:sticky;top:0;z-index:5;display:flex;flex-wrap:wrap;align-items:center;
gap:.4rem 1rem;padding:.6rem 1.2rem;background:var(--card);border-bottom:1px solid var(--line)}
.top h1{display:flex;align-items:center;gap:.5rem;font-size:1.05rem}
.top h1 svg{fill:var(--link)}
.top nav{display:flex;gap:1rem;margin-left:auto}
.top nav a{text-decoration:none;padding:.2rem 0}
.top nav a:hover{text-decoration:underline}
.pills{display:flex;flex-wrap:wrap;gap:.4rem}
.pill,.state{display:inline-flex;align-items:center;gap:.35rem;white-space:nowrap}
.pill{border:1px solid var(--line);border-radius:99px;padding:.05rem .6rem;font-size:.86rem}
.pill{max-width:60ch;white-space:normal}
.pill::before,.state::before{content:"";flex:none;width:.6em;height:.6em;border-radius:50%;
background:var(--idle)}
[data-tone=good]::before{background:var(--good)}
[data-tone=warn]::before{background:linear-gradient(90deg,var(--warn) 50%,transparent 50%);
box-shadow:inset 0 0 0 1.5px var(--warn)}
[data-tone=bad]::before{background:var(--bad);border-radius:1px}
.state[data-tone=bad]{color:var(--bad);font-weight:600}
.state[data-tone=warn]{color:var(--warn);font-weight:600}
button,select,input{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--line);
border-radius:6px;padding:.25rem .6rem}
button{cursor:pointer}
button[aria-pressed=true]{border-color:var(--warn);color:var(--warn)}
input[type=search]{width:min(24rem,100%)}
input[type=checkbox]{accent-color:var(--link);vertical-align:-2px}
main{max-width:1240px;margin:0 auto;padding:1rem 1.2rem 2rem;display:grid;gap:1.6rem}
main>section{min-width:0;scroll-margin-top:4.5rem}
.head{display:flex;flex-wrap:wrap;align-items:baseline;gap:.3rem 1rem;margin-bottom:.6rem}
.head h2{font-size:1.1rem}
.tools{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem .7rem;margin-left:auto}
.verdict{border:1px solid var(--line);border-left:4px solid var(--idle);border-radius:6px;
background:var(--card);padding:.6rem .9rem;margin-bottom:.8rem}
.verdict[data-tone=good]{border-left-color:var(--good)}
.verdict[data-tone=warn]{border-left-color:var(--warn)}
.verdict[data-tone=bad]{border-left-color:var(--bad)}
#verdict p{font-size:1.05rem}
#verdict ul{padding-left:1.2rem;margin-top:.3rem}
#verdict li{margin-top:.15rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.6rem}
.tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:.55rem .8rem}
.tile dt{color:var(--dim);font-size:.86rem}
.tile dd{font-size:1.45rem;font-weight:600;font-variant-numeric:tabular-nums}
.tile[data-tone=bad] dd{color:var(--bad)}
.scroll{overflow-x:auto;position:relative}
.scroll .plain .code,.scroll .plain .addr{overflow-wrap:normal;white-space:nowrap}
.scroll #changes-body .addr{white-space:normal;min-width:12rem}
.grid{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);
border-radius:8px;font-variant-numeric:tabular-nums}
.grid th,.grid td{padding:.38rem .6rem;text-align:left;border-top:1px solid var(--line);
font-weight:400;vertical-align:middle}
.grid thead th{color:var(--dim);font-size:.84rem;border-top:0;white-space:nowrap}
.grid .n{text-align:right;white-space:nowrap}
.grid abbr{text-decoration:none}
.grid tbody tr:hover{background:var(--shade)}
.grid .detail:hover{background:none}
.grid .hot{color:var(--bad);font-weight:600}
.plain{background:none}
.up{background:none;border:0;padding:.1rem .2rem;font-weight:600;text-align:left;
overflow-wrap:anywhere}
.up::before{content:"▸";content:"▸" / "";display:inline-block;width:1.1em;color:var(--dim)}
.up[aria-expanded=true]::before{content:"▾";content:"▾" / ""}
tr.on{background:var(--shade)}
.addr,.code,code{font-family:var(--mono);font-size:.92em;overflow-wrap:anywhere}
.detail>td{padding:.2rem .8rem 1rem;border-top:0}
.panel{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:1rem}
.p-verdict,.p-charts,.p-targets{grid-column:1/-1}
.p-verdict:empty{display:none}
.p-charts{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:1rem}
.part h3{font-size:.95rem;margin-bottom:.3rem}
figure svg{width:100%;height:110px;display:block;border-bottom:1px solid var(--line)}
figcaption{margin-bottom:.3rem}
.chart{display:grid;grid-template-columns:auto minmax(0,1fr);column-gap:.5rem}
.axis{display:flex;justify-content:space-between;color:var(--dim);font-size:.8rem;
line-height:1;font-variant-numeric:tabular-nums}
.axis.y{flex-direction:column;align-items:flex-end;margin:-.4rem 0}
.axis.x{grid-column:2;padding-top:.3rem;margin-bottom:.3rem}
.plot{background:linear-gradient(var(--line) 1px,transparent 1px) 0 0/100% 50%;
border-left:1px solid var(--line)}
td>svg.bars{width:120px;height:22px;display:block}
.bars rect{fill:var(--ok)}
.bars rect.bad,.tag[data-blame],.legend li::before{fill:var(--c);color:var(--c)}
[data-blame=upstream]{--c:var(--upstream)}[data-blame=overload]{--c:var(--overload)}
[data-blame=network]{--c:var(--network)}[data-blame=proxy]{--c:var(--proxy)}
[data-blame=client]{--c:var(--client)}[data-blame=self]{--c:var(--self)}
[data-blame=none]{--c:var(--client)}
[data-blame=ok]{--c:var(--ok)}
[data-line=p50]{--c:var(--p50)}[data-line=p95]{--c:var(--p95)}[data-line=p99]{--c:var(--p99)}
.legend{display:flex;flex-wrap:wrap;gap:.1rem .9rem;padding:0;list-style:none;font-size:.86rem}
.legend li::before{content:"";display:inline-block;width:.7em;height:.7em;margin-right:.35em;
background:var(--c);border-radius:2px}
.lines path{fill:none;stroke-width:1.6;vector-effect:non-scaling-stroke}
.lines .p50{stroke:var(--p50)}.lines .p95{stroke:var(--p95);stroke-dasharray:5 2}
.lines .p99{stroke:var(--p99);stroke-dasharray:2 2}
.cmd{display:inline-flex;flex-wrap:wrap;gap:.15rem .5rem;align-items:baseline;max-width:100%}
.cmd code{background:var(--shade);padding:.05rem .3rem;border-radius:4px;min-width:0}
.copy{padding:0 .45rem;font-size:.8rem}
.rest{list-style:none}ul.rest{padding:0}
#fold>summary{display:none}
.tag{display:inline-block;border:1px solid currentColor;border-radius:4px;padding:0 .35rem;
font-size:.8rem;white-space:nowrap}
.strip{width:100%;min-width:120px;height:16px;display:block}
[data-breaker=closed]{fill:var(--good)}[data-breaker=half_open]{fill:var(--warn)}
[data-breaker=open]{fill:var(--bad)}
.wide{min-width:140px}
.gauge{display:grid;grid-template-columns:9.5rem minmax(4rem,1fr) auto;gap:.6rem;
align-items:center;margin-bottom:.25rem}
meter{width:100%;height:.8rem}
.fail,.entry,.incident{background:var(--card);border:1px solid var(--line);border-radius:6px;
margin-bottom:.35rem}
.fail>summary,.entry>summary{cursor:pointer;padding:.42rem .8rem;display:flex;flex-wrap:wrap;
gap:.15rem .7rem;align-items:baseline;list-style-position:inside}
.fail>summary:hover,.entry>summary:hover{background:var(--shade)}
.fail time{font-variant-numeric:tabular-nums}
.fail .got{font-weight:600;min-width:2.6rem}
.fail>summary .code{min-width:17.5rem}
.fail>summary .tag{min-width:4.6rem;text-align:center}
.got[data-tone=bad]{color:var(--bad)}.got[data-tone=good]{color:var(--good)}
.fail .what{flex:1 1 16rem;overflow-wrap:anywhere;font-family:var(--mono);font-size:.92em}
.body{padding:.3rem .9rem .9rem;display:grid;gap:.7rem}
.body ol,.body ul{padding-left:1.2rem;margin-top:.2rem}
.body li{margin-bottom:.2rem}
.two{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:.5rem 1.4rem;margin:.5rem 0}
h4,.why h3{font-size:.88rem;color:var(--dim);font-weight:600}
.lead{font-size:1.02rem}
.fall{width:100%;min-width:120px;height:12px;display:block}
.fall .base{fill:var(--line)}
.fall rect[data-phase]{fill:var(--client)}
.fall rect[data-phase=connect],.fall rect[data-phase=secure]{fill:var(--proxy)}
.fall rect[data-phase=wait]{fill:var(--overload)}
.fall rect[data-phase=receive]{fill:var(--good)}
.entry>summary h3{font:600 .95rem var(--mono);display:inline}
.entry .sum{flex:1 1 18rem}
.entry .s{color:var(--dim)}
.entry .body{grid-template-columns:repeat(2,minmax(0,1fr));gap:.8rem 1.4rem}
.entry dl{display:grid;grid-template-columns:auto minmax(0,1fr);
overflow-wrap:anywhere;gap:.15rem .8rem;align-content:start}
.entry dt{color:var(--dim)}
.others table{border-collapse:collapse;margin-top:.2rem}
.others th,.others td{text-align:left;font-weight:400;padding:.15rem .8rem .15rem 0;
vertical-align:top;overflow-wrap:anywhere}
.others td{font-family:var(--mono);font-size:.9em}
.others thead th{color:var(--dim);font-size:.84rem}
.entry[open],.fail[open]{border-color:var(--link)}
.incident{padding:.5rem .9rem;border-left:4px solid var(--idle)}
.incident[data-tone=bad]{border-left-color:var(--bad)}
.incident h3{font-size:.95rem;overflow-wrap:anywhere}
.note,footer{padding:.6rem 1.2rem;color:var(--dim)}
footer{max-width:1240px;margin:0 auto;padding-bottom:2rem}
[hidden]{display:none!important}
@media (max-width:760px){
.top{position:static;padding:.6rem .8rem}
.top #pause{margin-left:auto}
.top .pills{order:2;width:100%}
.top nav{margin-left:0;order:3;width:100%;justify-content:space-between}
.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}
.tile:last-child:nth-child(odd){grid-column:1/-1}
.fail .got,.fail>summary .code,.fail>summary .tag{min-width:0}
.fail .what{flex-basis:100%}
#fold>summary{display:list-item;cursor:pointer;padding:.6rem .2rem;color:var(--link)}
.tools select{max-width:100%}
.fail .grid td{white-space:nowrap}
#failures .tools{display:grid;grid-template-columns:auto minmax(0,1fr);width:100%}
#failures .tools label:last-child{grid-column:1/-1}
.grid.plain th,.grid.plain td{padding:.35rem .4rem}
html{scroll-padding-top:.5rem}
main{padding:.8rem .8rem 2rem}
.panel,.p-charts,.two,.entry .body{grid-template-columns:minmax(0,1fr)}
.tools{margin-left:0}
.gauge{grid-template-columns:7.5rem minmax(3rem,1fr);}
.gauge .n{grid-column:2}
#ups thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
#ups,#ups tbody,#ups tr,#ups tr>*{display:block;border:0}
#ups .detail[hidden]{display:none}
#ups>tbody>tr:not(.detail){display:grid;grid-template-columns:repeat(4,minmax(0,1fr));
gap:.25rem .6rem;padding:.6rem .7rem;border-top:1px solid var(--line)}
#ups>tbody>tr:not(.detail)>*{padding:0;text-align:left}
#ups>tbody>tr>th{grid-column:1/3}
#ups>tbody>tr>td[data-label]:not([data-label=State])::before{content:attr(data-label);
display:block;color:var(--dim);font-size:.78rem}
#ups>tbody>tr>td[data-label=State]{grid-column:3/-1;justify-self:end}
#ups>tbody>tr>td[data-label="In flight"],#ups>tbody>tr>td[data-label="Targets well"]{order:1}
#ups>tbody>tr>td[data-label^=p]{order:2}
#ups>tbody>tr>td[data-label="15 minutes"]{order:3}
#ups>tbody>tr>td[data-label="15 minutes"] svg{width:100%}
#ups .detail>td{padding:0 .7rem .8rem}
#ups .detail table{display:table}#ups .detail thead{display:table-header-group;position:static;
clip-path:none;width:auto;height:auto}
#ups .detail tbody{display:table-row-group}#ups .detail .grid tr{display:table-row}
#ups .detail .grid tr>*{display:table-cell;border-top:1px solid var(--line)}
}
@media (forced-colors:active){.bars rect.bad{fill:CanvasText}.bars rect{fill:GrayText}
.state::before,.pill::before{forced-color-adjust:none}}
@media print{.top,.tools{position:static}}
`;
