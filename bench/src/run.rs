//! Starts the processes of each measurement, round after round.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::Serialize;

use crate::Error;
use crate::cases::{Case, Via, Work};
use crate::peer::PeerName;
use crate::worker::{Counted, Said, Side};

/// Time that a worker may take for its next word.
const PATIENCE: Duration = Duration::from_secs(30);

/// One measurement.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Sample {
    /// In the unit of the case.
    pub value: f64,
    /// CPU time for each thing done, of both sides, in nanoseconds; of the server alone for handshakes.
    pub cpu: f64,
}

/// All measurements of a case.
#[derive(Debug, Serialize)]
pub struct CaseResult {
    pub case: Case,
    pub unit: &'static str,
    pub rows: Vec<Row>,
}

/// All measurements of one peer, in the order of the rounds. None where a measurement failed.
#[derive(Debug, Serialize)]
pub struct Row {
    pub peer: PeerName,
    pub samples: Vec<Option<Sample>>,
    /// Why the last measurement failed that did, or why there was none.
    pub failure: Option<String>,
}

/// What was measured, and on what.
#[derive(Debug, Serialize)]
pub struct Results {
    pub date: String,
    pub machine: String,
    pub rounds: usize,
    pub window: Duration,
    pub took: Duration,
    pub cases: Vec<CaseResult>,
}

/// Measures all.
pub fn all(
    cases: &[Case],
    peers: &[PeerName],
    rounds: usize,
    window: Duration,
) -> Result<Results, Error> {
    let able = |case: &Case| peers.iter().filter(|peer| peer.unable(case).is_none()).count();
    let mut progress = Progress::new(cases.iter().map(able).sum::<usize>() * rounds);
    let mut results = Vec::new();
    for case in cases {
        let mut rows: Vec<Row> = peers
            .iter()
            .filter(|peer| peer.unable(case).is_none())
            .map(|peer| Row { peer: *peer, samples: Vec::new(), failure: None })
            .collect();
        for round in 0..rounds {
            // Each round begins with another peer.
            let count = rows.len();
            for at in 0..count {
                let Some(row) = rows.get_mut((at + round) % count) else { continue };
                progress.show(case.name, row.peer);
                let sample = measure(case, row.peer, window);
                if let Err(error) = &sample {
                    progress.note(&format!("{} {}: {error}", case.name, row.peer.name()));
                    row.failure = Some(error.to_string());
                }
                row.samples.push(sample.ok());
            }
        }
        rows.extend(peers.iter().filter_map(|peer| {
            let failure = Some(peer.unable(case)?.to_owned());
            Some(Row { peer: *peer, samples: Vec::new(), failure })
        }));
        results.push(CaseResult { unit: case.unit(), case: case.clone(), rows });
    }
    progress.clear();
    Ok(Results {
        date: first_line("date", &["-u", "+%Y-%m-%d"]),
        machine: machine(),
        rounds,
        window,
        took: progress.begun.elapsed(),
        cases: results,
    })
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("", |line| line.trim_start_matches(['\t', ' ', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{cores} cores, {model}, {}", first_line("uname", &["-srm"]))
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

fn measure(case: &Case, peer: PeerName, window: Duration) -> Result<Sample, Error> {
    if case.via == Via::Inproc {
        let mut both = Worker::start(case, peer, Side::Both, "inproc://bench", window)?;
        both.begin()?;
        let counted = both.end()?;
        return Ok(Sample { value: counted.value, cpu: counted.cpu as f64 / counted.units as f64 });
    }
    let path = std::env::temp_dir().join(format!("ironhouse-bench-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let endpoint = match case.via {
        Via::Ipc => format!("ipc://{}", path.display()),
        _ => "tcp://127.0.0.1:*".to_owned(),
    };
    let mut bound = Worker::start(case, peer, Side::Bind, &endpoint, window)?;
    let endpoint = bound.bound()?;
    let mut connected = Worker::start(case, peer, Side::Connect, &endpoint, window)?;
    let (measuring, other) = match case.work {
        Work::Pipeline => (&mut bound, &mut connected),
        _ => (&mut connected, &mut bound),
    };
    measuring.begin()?;
    let before = other.used()?;
    let counted = measuring.end()?;
    let after = other.used()?;
    let cpu = (counted.cpu + after.0 - before.0) as f64 / counted.units as f64;
    let value = match case.work {
        Work::Idle => after.1.saturating_sub(before.1) as f64 / counted.units as f64,
        _ => counted.value,
    };
    Ok(Sample { value, cpu })
}

/// A process that is one side; ended when dropped.
struct Worker {
    child: Child,
    input: ChildStdin,
    said: Receiver<Said>,
    complaint: Arc<Mutex<Option<String>>>,
}

impl Worker {
    fn start(
        case: &Case,
        peer: PeerName,
        side: Side,
        endpoint: &str,
        window: Duration,
    ) -> Result<Self, Error> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["worker", "--side", &name(&side), "--peer", &peer.name()])
            .args(["--work", &name(&case.work), "--via", &name(&case.via)])
            .args(["--cores", &name(&case.cores), "--body", &case.body.to_string()])
            .args(["--window", &window.as_millis().to_string(), "--endpoint", endpoint]);
        if case.curve {
            command.arg("--curve");
        }
        if case.spin {
            command.arg("--spin");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let input = child.stdin.take().ok_or("no standard input")?;
        let said = listen(child.stdout.take().ok_or("no standard output")?);
        let complaint = keep_last(child.stderr.take().ok_or("no standard error output")?);
        Ok(Self { child, input, said, complaint })
    }

    fn next(&mut self) -> Result<Said, Error> {
        self.said.recv_timeout(PATIENCE).map_err(|error| match error {
            RecvTimeoutError::Timeout => "it was not done in time".into(),
            RecvTimeoutError::Disconnected => {
                // What it said last, if that has arrived.
                std::thread::sleep(Duration::from_millis(50));
                let complaint = self.complaint.lock().ok().and_then(|mut last| last.take());
                complaint.unwrap_or_else(|| "it has failed".to_owned()).into()
            }
        })
    }

    fn bound(&mut self) -> Result<String, Error> {
        match self.next()? {
            Said::Bound(endpoint) => Ok(endpoint),
            other => Err(format!("out of turn: {other:?}").into()),
        }
    }

    fn begin(&mut self) -> Result<(), Error> {
        match self.next()? {
            Said::Begin => Ok(()),
            other => Err(format!("out of turn: {other:?}").into()),
        }
    }

    fn end(&mut self) -> Result<Counted, Error> {
        match self.next()? {
            Said::End(counted) => Ok(counted),
            other => Err(format!("out of turn: {other:?}").into()),
        }
    }

    fn used(&mut self) -> Result<(u64, u64), Error> {
        self.input.write_all(b"\n")?;
        match self.next()? {
            Said::Used { cpu, memory } => Ok((cpu, memory)),
            other => Err(format!("out of turn: {other:?}").into()),
        }
    }
}

/// What a process says, read in the background, so that waiting for it has an end.
fn listen(output: ChildStdout) -> Receiver<Said> {
    let (there, said) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let Ok(word) = serde_json::from_str(&line) else { break };
            if there.send(word).is_err() {
                break;
            }
        }
    });
    said
}

/// The last line that a process complains in. What it says while it is ended is of no interest.
fn keep_last(errors: ChildStderr) -> Arc<Mutex<Option<String>>> {
    let last = Arc::new(Mutex::new(None));
    let place = last.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(errors).lines().map_while(Result::ok) {
            if let Ok(mut place) = place.lock() {
                *place = Some(line.trim_start_matches("error: ").to_owned());
            }
        }
    });
    last
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// A line on the standard error output, if that is a terminal; else a line for each case.
struct Progress {
    total: usize,
    done: usize,
    begun: Instant,
    terminal: bool,
    last: &'static str,
}

impl Progress {
    fn new(total: usize) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { total, done: 0, begun: Instant::now(), terminal, last: "" }
    }

    fn show(&mut self, case: &'static str, peer: PeerName) {
        let left = if self.done == 0 {
            "?".to_owned()
        } else {
            let each = self.begun.elapsed().as_secs_f64() / self.done as f64;
            let left = (each * (self.total - self.done) as f64).ceil() as u64;
            format!("{}:{:02}", left / 60, left % 60)
        };
        let (done, total) = (self.done, self.total);
        if self.terminal {
            let peer = peer.name();
            eprint!("\r\x1b[K{done}/{total}, {left} left   {case} {peer}");
        } else if self.last != case {
            eprintln!("{done}/{total}, {left} left   {case}");
        }
        self.last = case;
        self.done += 1;
    }

    fn note(&self, text: &str) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
        eprintln!("failed: {text}");
    }

    fn clear(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}
