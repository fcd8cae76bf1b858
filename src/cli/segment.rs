//! `--segment`: this machine's part of a load that several send.

use super::Failure;
use crate::executor::{Segment, SegmentError};

#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct SegmentArgs {
    /// Send only this machine's part: 2/3 is the second of three equal ones, 1/2:3/4 is k6's form of the third quarter
    #[arg(long, env = "LOADGATE_SEGMENT", value_name = "PART")]
    segment: Option<String>,
    /// Where all machines' unequal parts begin and end, as in k6: 0,1/2,3/4,1
    #[arg(long, env = "LOADGATE_SEGMENT_SEQUENCE", value_name = "POINTS", requires = "segment")]
    segment_sequence: Option<String>,
}

impl SegmentArgs {
    pub(super) fn segment(&self) -> Result<Segment, Failure> {
        let Some(written) = &self.segment else {
            return Ok(Segment::WHOLE);
        };
        let segment = match &self.segment_sequence {
            sequence if written.contains(':') => Segment::parse(written, sequence.as_deref()),
            Some(_) => Err(SegmentError::NotASegment(written.clone())),
            None => Segment::parse_part(written),
        };
        segment.map_err(|error| Failure::usage(format!("error: --segment: {error}")))
    }
}
