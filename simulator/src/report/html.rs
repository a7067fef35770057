//! One HTML page of a run: what went wrong, the decisions, and a timeline with a column for each process.
//!
//! Never: more than the last few thousand events; the page has to open.

use crate::decide::Decision;
use crate::run::Verdict;
use crate::trace::{Call, Event};

const EVENTS_MAX: usize = 4_000;

const STYLE: &str = "body{font:14px system-ui;margin:2em;color:#222;background:#fff}\
table{border-collapse:collapse;font:12px ui-monospace,monospace}td,th{padding:1px 8px;text-align:left;vertical-align:top;\
border-left:1px solid #ddd;max-width:46em;overflow-wrap:anywhere}th{position:sticky;top:0;background:#fff}\
.read,.length,.stat{color:#888}.write,.truncate{color:#0a5}.sync,.sync-dir{color:#06c;font-weight:bold}\
.lock,.shm-lock,.shm-unlock,.reserved{color:#a60}.fault,.kill,.power-cut{color:#fff;background:#c22;font-weight:bold}\
.note{color:#000;background:#eef}.complete{color:#0a5;font-style:italic}.wrong{color:#c22;font-weight:bold}\
@media(prefers-color-scheme:dark){body,th{background:#151515;color:#ddd}.note{color:#eee;background:#223}td,th{border-color:#333}}";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cell(event: &Event) -> String {
    let mut text = event.call.name().to_string();
    if event.file != 0 {
        text.push_str(&format!(" #{} @{}", event.file, event.place));
        if event.len != 0 && event.call != Call::Lock {
            text.push_str(&format!("+{}", event.len));
        }
    }
    if !event.text.is_empty() {
        text = if event.call == Call::Note { event.text.clone() } else { format!("{text} {}", event.text) };
    }
    escaped(&text)
}

/// The page of a run.
pub fn page(title: &str, verdict: &Verdict, decisions: &[Decision]) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{0}</title><style>{STYLE}</style><h1>{0}</h1><p>{1}</p>",
        escaped(title),
        escaped(&verdict.settings)
    );
    if verdict.violations.is_empty() {
        html.push_str("<p>Nothing went wrong.</p>");
    }
    for violation in &verdict.violations {
        html.push_str(&format!("<p class=\"wrong\">{}</p>", escaped(violation)));
    }
    html.push_str(&format!("<details><summary>{} decisions</summary><pre>", decisions.len()));
    decisions.iter().for_each(|decision| html.push_str(&format!("{decision}\n")));
    html.push_str("</pre></details>");
    timeline(&mut html, &verdict.events);
    html.push_str("</html>\n");
    html
}

fn timeline(html: &mut String, events: &[Event]) {
    let skipped = events.len().saturating_sub(EVENTS_MAX);
    let shown = &events[skipped..];
    let processes = shown.iter().map(|event| event.process + 1).max().unwrap_or(0);
    html.push_str(&format!(
        "<h2>Timeline</h2><p>{skipped} earlier events are not shown.</p><table><tr><th>&micro;s</th>"
    ));
    (0..processes).for_each(|process| html.push_str(&format!("<th>process {process}</th>")));
    html.push_str("</tr>");
    for event in shown {
        html.push_str(&format!("<tr><td>{}</td>", event.at_ns / 1000));
        html.push_str(&"<td></td>".repeat(event.process));
        html.push_str(&format!("<td class=\"{}\">{}</td>", event.call.name(), cell(event)));
        html.push_str(&"<td></td>".repeat(processes - event.process - 1));
        html.push_str("</tr>");
    }
    html.push_str("</table>");
}
