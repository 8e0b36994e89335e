/**
 * The frame of the page. What is live is filled in by the script; style, script and the error
 * reference are put in their places by page.ts.
 */

/** Of the static site as well. */
export const REFERENCE_SECTION = `<section id="errors" aria-labelledby="errors-h">
<div class="head"><h2 id="errors-h">Error reference</h2>
<p class="tools"><label for="q">Search</label>
<input type="search" id="q" autocomplete="off" spellcheck="false"
 placeholder="502, ECONNREFUSED, upstream prematurely closed …">
<span id="found" role="status" aria-live="polite"></span></p></div>
<div id="entries">
<!--REFERENCE-->
</div>
<p class="empty" id="entries-none" hidden>No failure has all of these words.</p>
</section>
`;

/** Folded by the script on a phone, where it would be many screens. */
function folded(section: string): string {
  return section
    .replace('<div id="entries">', `<details id="fold" open><summary>All of them</summary>$&`)
    .replace('<p class="empty" id="entries-none"', "</details>$&");
}

export const MARKUP = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>Gateway</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'
 viewBox='0 0 16 16'%3E%3Cpath d='M2 14V7a6 6 0 0 1 12 0v7h-3V7a3 3 0 0 0-6 0v7z'
 fill='%234c9be8'/%3E%3C/svg%3E">
<style>/*STYLE*/</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<h1><svg viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">
<path d="M2 14V7a6 6 0 0 1 12 0v7h-3V7a3 3 0 0 0-6 0v7z"/></svg>
<span id="name">Gateway</span></h1>
<p class="pills"><span class="pill" id="life" data-tone="idle">…</span>
<span class="pill" id="ready" data-tone="idle">…</span>
<span class="pill" id="link" data-tone="idle">connecting</span></p>
<nav aria-label="Sections">
<a href="#upstreams">Upstreams</a><a href="#failures">Failures</a><a href="#changes">Changes</a><a
 href="#errors">Errors</a>
</nav>
<button type="button" id="pause" aria-pressed="false">Pause</button>
</header>
<p class="sr" id="say" role="status" aria-live="polite"></p>
<noscript><p class="note">Live figures need JavaScript. The error reference below does not.</p>
</noscript>
<main id="main" tabindex="-1">
<section id="overview" aria-labelledby="overview-h">
<h2 class="sr" id="overview-h">Overview</h2>
<div id="verdict" class="verdict" data-tone="idle"><p>Waiting for the first figures.</p></div>
<dl id="tiles" class="tiles"></dl>
</section>
<section id="upstreams" aria-labelledby="upstreams-h">
<div class="head"><h2 id="upstreams-h">Upstreams</h2>
<p class="hint">Figures of the last minute; charts show fifteen.</p></div>
<div class="scroll" tabindex="0" role="group" aria-labelledby="upstreams-h">
<table role="table" class="grid" id="ups" aria-labelledby="upstreams-h">
<thead role="rowgroup"><tr role="row">
<th role="columnheader" scope="col">Upstream</th>
<th role="columnheader" scope="col">State</th>
<th role="columnheader" scope="col" class="n">Calls/s</th>
<th role="columnheader" scope="col" class="n">Failed</th>
<th role="columnheader" scope="col" class="n">
<abbr title="half of the calls were faster">p50</abbr></th>
<th role="columnheader" scope="col" class="n">
<abbr title="95 of 100 calls were faster">p95</abbr></th>
<th role="columnheader" scope="col" class="n">
<abbr title="99 of 100 calls were faster">p99</abbr></th>
<th role="columnheader" scope="col" class="n">In flight</th>
<th role="columnheader" scope="col" class="n">Targets well</th>
<th role="columnheader" scope="col">15 minutes</th>
</tr></thead>
<tbody role="rowgroup" id="ups-body"></tbody>
</table>
</div>
<p class="empty" id="ups-none" hidden>This gateway has no upstream yet.</p>
<p class="hint" id="ups-more" hidden></p>
</section>
<section id="limits" aria-labelledby="limits-h" hidden>
<div class="head"><h2 id="limits-h">Rate limits</h2>
<p class="hint">Counted by this process since it started.</p></div>
<div class="scroll" tabindex="0" role="group" aria-labelledby="limits-h">
<table class="grid plain" aria-labelledby="limits-h">
<thead><tr><th scope="col">Limit</th><th scope="col">Counted</th>
<th scope="col" class="n">Admitted</th><th scope="col" class="n">Refused</th>
<th scope="col" class="n">Would refuse</th><th scope="col" class="n">Waiting</th>
<th scope="col" class="n">Keys</th></tr></thead>
<tbody id="limits-body"></tbody>
</table>
</div>
</section>
<section id="fleet" aria-labelledby="fleet-h" hidden>
<div class="head"><h2 id="fleet-h">Fleet</h2>
<p class="hint" id="fleet-bus"></p></div>
<div class="scroll" tabindex="0" role="group" aria-labelledby="fleet-h">
<table class="grid plain" aria-labelledby="fleet-h">
<thead><tr><th scope="col">Member</th><th scope="col">Host</th>
<th scope="col" class="n">Heard</th><th scope="col">Finds out of order</th></tr></thead>
<tbody id="fleet-body"></tbody>
</table>
</div>
</section>
<section id="failures" aria-labelledby="failures-h">
<div class="head"><h2 id="failures-h">Latest failures</h2>
<p class="tools"><label for="by-upstream">Upstream</label>
<select id="by-upstream"><option value="">all</option></select>
<label for="by-code">Failure</label>
<select id="by-code"><option value="">all</option></select>
<label for="by-blame">At fault</label>
<select id="by-blame"><option value="">all</option></select>
<label for="by-target">Target</label>
<select id="by-target"><option value="">all</option></select>
<label><input type="checkbox" id="good"> made good by a repeat, too</label></p></div>
<div id="fails"></div>
<button type="button" id="more" aria-pressed="false" hidden></button>
<p class="empty" id="fails-none">No call has failed since this page is kept.</p>
</section>
<section id="changes" aria-labelledby="changes-h">
<div class="head"><h2 id="changes-h">Incidents and changes</h2></div>
<div id="incidents"></div>
<div class="scroll" id="changed" tabindex="0" role="group" aria-labelledby="changes-h" hidden>
<table class="grid plain" aria-labelledby="changes-h">
<thead><tr><th scope="col">Time</th><th scope="col">What</th><th scope="col">Where</th>
<th scope="col">Change</th><th scope="col">Why</th></tr></thead>
<tbody id="changes-body"></tbody>
</table>
</div>
<p class="hint" id="changes-more" hidden></p>
<p class="empty" id="changes-none">Nothing has changed since this page is kept.</p>
</section>
${folded(REFERENCE_SECTION)}</main>
<footer><p>Read only. Kept in memory for fifteen minutes; times are those of this browser.
<a href="snapshot.json">snapshot.json</a> <a href="state.json">state.json</a>
<a href="reference.json">reference.json</a></p></footer>
<script>/*SCRIPT*/</script>
</body>
</html>
`;
