//! A chart of one case: a bar for each peer, with the spread of its ratios as a line.

use std::fmt::Write;

use crate::peer::PeerName;
use crate::report::{Spread, ratio, short};
use crate::run::CaseResult;

const WIDTH: f64 = 720.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 56.0;
const STEP: f64 = 30.0;
const BAR: f64 = 18.0;

/// The chart as SVG.
pub fn svg(result: &CaseResult) -> String {
    let rows: Vec<(PeerName, Spread)> = result
        .rows
        .iter()
        .filter_map(|row| Some((row.peer, ratio(result, row, |sample| sample.value)?)))
        .collect();
    let most = rows.iter().map(|(_, ratio)| ratio.high).fold(1.0, f64::max);
    let scale = (WIDTH - LEFT - RIGHT) / most;
    let height = TOP + STEP * rows.len() as f64 + 12.0;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"12\" y=\"24\" font-size=\"16\" font-weight=\"bold\">{}</text>\n\
         <text x=\"12\" y=\"43\" fill=\"#555\">{} relative to libzmq; {}</text>",
        result.case.title,
        result.unit,
        if result.case.less_is_better() { "less is better" } else { "more is better" },
    );
    for (at, (peer, ratio)) in rows.iter().enumerate() {
        bar(&mut text, TOP + STEP * at as f64, *peer, *ratio, scale);
    }
    let one = LEFT + scale;
    let _ = writeln!(
        text,
        "<line x1=\"{one:.1}\" y1=\"{TOP}\" x2=\"{one:.1}\" y2=\"{:.1}\" stroke=\"#999\" \
         stroke-dasharray=\"3 3\"/>\n</svg>",
        height - 12.0,
    );
    text
}

fn bar(text: &mut String, y: f64, peer: PeerName, ratio: Spread, scale: f64) {
    let colour = match peer {
        PeerName::Ironhouse | PeerName::IronhouseBlocking => "#b5472f",
        PeerName::Libzmq => "#5a6b7b",
        PeerName::Raw => "#d9d9d9",
        #[cfg(feature = "rivals")]
        _ => "#9fb3c4",
    };
    let middle = y + BAR / 2.0;
    let at = |value: f64| LEFT + value * scale;
    let _ = writeln!(
        text,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n\
         <rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR}\" fill=\"{colour}\"/>\n\
         <line x1=\"{:.1}\" y1=\"{middle:.1}\" x2=\"{:.1}\" y2=\"{middle:.1}\" stroke=\"#222\"/>\n\
         <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        LEFT - 8.0,
        middle + 5.0,
        peer.name(),
        ratio.median * scale,
        at(ratio.low),
        at(ratio.high),
        at(ratio.high) + 8.0,
        middle + 5.0,
        short(ratio.median),
    );
}
