//! What a VU, or the VUs of one worker together, keep from one iteration to the next: connections of any protocol, each
//! found by its type and by the step that it was made for. Dropping the place ends what is in it.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use futures_util::future::{LocalBoxFuture, join_all};

use crate::ids::StepId;

/// Something that is kept. It lives on one thread, and its `Drop` must end whatever it has begun: tasks, sockets.
pub(super) trait Keep: Any {
    /// Ready when nothing that was begun is under way any more: acknowledgements have come or are given up. `None` where
    /// nothing ever is once a step is done.
    fn settle(self: Rc<Self>) -> Option<LocalBoxFuture<'static, ()>> {
        None
    }
}

/// One thing for each type and step; few, so that a list is the fastest to look into. Steps that share a connection give
/// the number of the first of them.
#[derive(Default)]
pub(super) struct Held(Vec<(StepId, Rc<dyn Keep>)>);

impl Held {
    pub(super) fn find<T: Keep>(&self, step: StepId) -> Option<Rc<T>> {
        self.of(step).find_map(|kept| {
            let kept: Rc<dyn Any> = kept;
            kept.downcast().ok()
        })
    }

    /// Instead of what was there of this type and step.
    pub(super) fn put<T: Keep>(&mut self, step: StepId, kept: Rc<T>) {
        self.remove::<T>(step);
        self.0.push((step, kept));
    }

    /// Lets go of it; it ends when nobody else uses it.
    pub(super) fn remove<T: Keep>(&mut self, step: StepId) {
        self.0.retain(|(of, kept)| {
            let kept: &dyn Any = &**kept;
            *of != step || !kept.is::<T>()
        });
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Ready when nothing in here has anything under way; `None` when nothing has now.
    pub(super) fn settle(&self) -> Option<impl Future<Output = ()> + use<>> {
        let waiting: Vec<_> = self.0.iter().filter_map(|(_, kept)| Rc::clone(kept).settle()).collect();
        (!waiting.is_empty()).then_some(async {
            join_all(waiting).await;
        })
    }

    fn of(&self, step: StepId) -> impl Iterator<Item = Rc<dyn Keep>> {
        self.0.iter().filter(move |(of, _)| *of == step).map(|(_, kept)| Rc::clone(kept))
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(step, _)| step)).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    struct Connection(u8);
    struct Acknowledged(Rc<Cell<bool>>);

    impl Keep for Connection {}

    impl Keep for Acknowledged {
        fn settle(self: Rc<Self>) -> Option<LocalBoxFuture<'static, ()>> {
            (!self.0.get()).then(|| -> LocalBoxFuture<'static, ()> {
                Box::pin(async move {
                    tokio::task::yield_now().await;
                    self.0.set(true);
                })
            })
        }
    }

    #[test]
    fn a_step_finds_what_it_kept_and_nothing_else() {
        let mut held = Held::default();
        held.put(StepId(1), Rc::new(Connection(1)));
        held.put(StepId(2), Rc::new(Connection(2)));
        held.put(StepId(2), Rc::new(Acknowledged(Rc::default())));
        held.put(StepId(1), Rc::new(Connection(3)));
        let number = |held: &Held, step| held.find::<Connection>(StepId(step)).map(|kept| kept.0);
        assert_eq!([1, 2, 3].map(|step| number(&held, step)), [Some(3), Some(2), None]);
        held.remove::<Connection>(StepId(2));
        assert_eq!(number(&held, 2), None);
        assert!(held.find::<Acknowledged>(StepId(2)).is_some());
    }

    #[tokio::test]
    async fn it_is_settled_when_all_that_was_begun_is_done() {
        let (mut held, done) = (Held::default(), Rc::new(Cell::new(false)));
        held.put(StepId(1), Rc::new(Connection(1)));
        assert!(held.settle().is_none());
        held.put(StepId(1), Rc::new(Acknowledged(Rc::clone(&done))));
        held.settle().unwrap().await;
        assert!(done.get());
        assert!(held.settle().is_none());
    }
}
