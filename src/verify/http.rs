//! A request of the verification's own user: apart from the load, whose series know nothing of it.

use std::rc::Rc;
use std::sync::Arc;

use super::{Answer, Found, Surroundings, print};
use crate::flow::{Ended, Instruments, Shared, Vu, Worker};
use crate::plan::verify::HttpQuestion;
use crate::sample::ErrorCode;
use crate::template::Value;
use crate::time::Clock;

/// Says why there is no answer.
pub(super) async fn ask(question: &HttpQuestion, around: &Surroundings) -> Result<Answer, String> {
    let (procedure, plan) = (&question.procedure, &around.plan);
    let (settings, registry) = (Arc::clone(&plan.settings), Arc::clone(&procedure.registry));
    let shared = Shared { given: Arc::clone(&around.given), ..Shared::default() };
    let worker = Worker::new(Clock::start(), settings, registry, shared);
    let worker = Rc::new(worker.watched(&Instruments { taps: None, http_debug: around.http_debug }));
    let mut vu = Vu::new(1, Arc::from(procedure.name), plan.vars.clone(), procedure.series, worker);
    vu.begin_iteration(None);
    for step in &procedure.steps {
        match step.flow.run(&mut vu).await {
            Ok(()) => {}
            Err(Ended::Error(error)) => return Err(error),
            Err(Ended::SessionLost) => return Err("the connection is gone".to_owned()),
        }
    }
    let Some(exchange) = vu.take_exchange() else { return Err("nothing was asked".to_owned()) };
    let status = exchange.status();
    if status == 0 {
        let error = exchange.error().map_or("no answer", |code| ErrorCode::from_number(code).describe());
        return Err(error.to_owned());
    }
    let expected = question.expected.iter().any(|(from, to)| (*from..=*to).contains(&status));
    let found = Found::Response { status, expected };
    let print = print((status, &exchange.body()[..]));
    Ok(Answer { found, rows: Value::UNDEFINED, exchange: Some(exchange), print })
}
