//! The thread that writes samples while the run lasts: the load never waits for a disk.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::oneshot;

use super::{Kind, Output, To};
use crate::cli::Failure;
use crate::labels::Labels;
use crate::plan::Plan;
use crate::record::{Sample, Taps};
use crate::report::SampleLines;
use crate::verdict::Doubt;

/// The ends that a run holds of it.
pub(in crate::cli) struct SampleWriter {
    pub(in crate::cli) taps: Taps,
    /// When all taps are gone and the last sample is written: the outputs that are incomplete.
    pub(in crate::cli) written: oneshot::Receiver<Vec<Doubt>>,
}

/// One file of samples.
struct Sink {
    /// As on the command line.
    output: String,
    lines: SampleLines,
    /// `None` once it has failed, or its reader has gone away.
    to: Option<Destination>,
    failure: Option<io::Error>,
}

enum Destination {
    Plain(BufWriter<Box<dyn Write + Send>>),
    Gzip(GzEncoder<BufWriter<Box<dyn Write + Send>>>),
}

impl SampleWriter {
    /// Creates all files, as k6 does before the run, and starts the thread. `None` without such an output.
    /// `tags` are those of the whole run.
    pub(in crate::cli) fn start(
        outputs: &[Output],
        plan: &Plan,
        tags: &Labels,
    ) -> Result<Option<Self>, Failure> {
        let mut sinks = Vec::new();
        for output in outputs {
            let Kind::Samples(format) = output.kind else { continue };
            let registry = Arc::clone(&plan.registry);
            let lines = SampleLines::new(format, registry, tags.clone(), plan.thresholds.clone());
            let mut sink = Sink::open(output, lines)
                .map_err(|error| Failure::internal(&format!("write --out {output}"), error))?;
            sink.put(sink.lines.head().as_bytes());
            sinks.push(sink);
        }
        if sinks.is_empty() {
            return Ok(None);
        }
        let (taps, samples) = Taps::bounded();
        let (done, written) = oneshot::channel();
        std::thread::Builder::new()
            .name("samples".to_owned())
            .spawn(move || {
                // Nobody waits any more when the run was cut short.
                let _ = done.send(write(&samples, sinks));
            })
            .map_err(|error| Failure::internal("start", error))?;
        Ok(Some(SampleWriter { taps, written }))
    }
}

/// Until all taps are gone.
fn write(samples: &Receiver<Vec<Sample>>, mut sinks: Vec<Sink>) -> Vec<Doubt> {
    let mut text = Vec::new();
    while let Ok(batch) = samples.recv() {
        let mut next = Some(batch);
        while let Some(batch) = next {
            for sink in sinks.iter_mut().filter(|sink| sink.to.is_some()) {
                text.clear();
                batch.iter().for_each(|sample| sink.lines.line(sample, &mut text));
                sink.put(&text);
            }
            next = samples.try_recv().ok();
        }
        // Nothing waits: those who watch the files see all there is.
        sinks.iter_mut().for_each(Sink::flush);
    }
    sinks.into_iter().filter_map(Sink::finish).collect()
}

impl Sink {
    fn open(output: &Output, lines: SampleLines) -> io::Result<Self> {
        let to: Box<dyn Write + Send> = match &output.to {
            To::Stdout => Box::new(io::stdout()),
            To::File(path) => Box::new(File::create(path)?),
        };
        let to = BufWriter::with_capacity(64 << 10, to);
        let compressed = output.file().and_then(Path::extension).is_some_and(|extension| extension == "gz");
        let to = if compressed {
            Destination::Gzip(GzEncoder::new(to, Compression::fast()))
        } else {
            Destination::Plain(to)
        };
        Ok(Sink { output: output.to_string(), lines, to: Some(to), failure: None })
    }

    fn put(&mut self, text: &[u8]) {
        let put = match &mut self.to {
            Some(Destination::Plain(to)) => to.write_all(text),
            Some(Destination::Gzip(to)) => to.write_all(text),
            None => Ok(()),
        };
        self.note(put);
    }

    fn flush(&mut self) {
        let flushed = match &mut self.to {
            Some(Destination::Plain(to)) => to.flush(),
            // A flush within would cost compression.
            Some(Destination::Gzip(to)) => to.get_mut().flush(),
            None => Ok(()),
        };
        self.note(flushed);
    }

    /// The first failure is the last write.
    fn note(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.to = None;
            // `| head` has seen enough.
            if error.kind() != io::ErrorKind::BrokenPipe {
                tracing::error!("--out {} fails, the run goes on: {error}", self.output);
                self.failure = Some(error);
            }
        }
    }

    fn finish(mut self) -> Option<Doubt> {
        let finished = match self.to.take() {
            Some(Destination::Plain(mut to)) => to.flush(),
            Some(Destination::Gzip(to)) => to.finish().and_then(|mut to| to.flush()),
            None => Ok(()),
        };
        self.note(finished);
        let reason = self.failure?.to_string();
        Some(Doubt::OutputIncomplete { output: self.output, reason })
    }
}
