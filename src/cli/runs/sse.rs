//! Server-sent events out of the pieces in which they come
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>).

/// What one event may hold before it is no event any more.
const MAX_EVENT_BYTES: usize = 4 << 20;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) id: Option<u64>,
    pub(super) kind: String,
    pub(super) data: String,
}

/// What has come of the event that is under way: given up with the connection, so that half an event is never seen.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    event: Received,
    held: usize,
}

/// An event without end.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Parser {
    /// The events that end in this piece.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<Vec<Received>, TooLong> {
        let mut events = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.held += part.len();
            if self.held > MAX_EVENT_BYTES {
                return Err(TooLong);
            }
            self.line.extend_from_slice(part);
            if self.line.last() == Some(&b'\n') {
                let line = std::mem::take(&mut self.line);
                if let Some(event) = self.take(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']))
                {
                    events.push(event);
                }
            }
        }
        Ok(events)
    }

    fn take(&mut self, line: &str) -> Option<Received> {
        if line.is_empty() {
            self.held = 0;
            let event = std::mem::take(&mut self.event);
            return (!event.data.is_empty()).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.event.id = value.parse().ok(),
            "event" => value.clone_into(&mut self.event.kind),
            "data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            // A comment, or what others send.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_in_whatever_pieces_they_come() {
        let text = "retry: 1\n: a comment\n\nid: 1\nevent: state\ndata: {\"a\":\"ä\"}\n\nid: 2\r\ndata: x\r\ndata:y\r\n\r\nid: 3\ndata: half\n";
        let event = |id, kind: &str, data: &str| Received {
            id: Some(id),
            kind: kind.to_owned(),
            data: data.to_owned(),
        };
        let expected = [event(1, "state", "{\"a\":\"ä\"}"), event(2, "", "x\ny")];
        for size in [1, 2, 3, 7, text.len()] {
            let mut parser = Parser::default();
            let pieces = text.as_bytes().chunks(size);
            let events: Vec<Received> = pieces.flat_map(|piece| parser.push(piece).unwrap()).collect();
            assert_eq!(events, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn an_event_without_end_is_given_up_and_comments_without_end_are_not() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; 1 << 20];
        let pushed: Vec<bool> = (0..5).map(|_| parser.push(&piece).is_ok()).collect();
        assert_eq!(pushed, [true, true, true, true, false]);
        let mut parser = Parser::default();
        for _ in 0..300_000 {
            assert_eq!(parser.push(b": nothing new\n\n"), Ok(Vec::new()));
        }
    }
}
