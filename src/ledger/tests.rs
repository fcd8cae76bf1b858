//! What ledgers say of events that were dropped, doubled, mixed up or never accepted.

use proptest::prelude::*;

use super::*;

fn sent(ledger: &mut Ledger, producer: Producer, events: u64) -> Vec<Token> {
    (0..events).map(|due| ledger.send(producer, due)).collect()
}

#[test]
fn exactly_seven_of_a_hundred_thousand() {
    let mut ledger = Ledger::new(1, true);
    let producers = [(); 4].map(|()| ledger.new_producer());
    let tokens: Vec<Token> =
        producers.iter().flat_map(|producer| sent(&mut ledger, *producer, 25_000)).collect();
    let dropped = [0, 1, 24_999, 50_000, 63_999, 64_000, 99_999];
    for (at, token) in tokens.iter().enumerate().filter(|(at, _)| !dropped.contains(at)) {
        assert_eq!(ledger.receive(Group::SHARED, token), Some(Receipt::First), "{at}");
    }
    assert_eq!(ledger.lost(), 7);
}

#[test]
fn what_is_of_another_run_or_was_never_sent_is_not_received() {
    let mut ledger = Ledger::new(1, true);
    let producer = ledger.new_producer();
    let token = ledger.send(producer, 0);
    for wrong in [
        Token { run: 2, ..token },
        Token { producer: 9, ..token },
        Token { number: 2, ..token },
        Token { number: 0, ..token },
    ] {
        assert_eq!(ledger.receive(Group::SHARED, &wrong), None, "{wrong:?}");
    }
    assert_eq!(ledger.lost(), 1);
}

#[test]
fn what_was_not_accepted_is_not_lost_and_received_if_it_comes_all_the_same() {
    let mut ledger = Ledger::new(1, true);
    let producer = ledger.new_producer();
    let tokens = sent(&mut ledger, producer, 3);
    ledger.excuse(producer, 1);
    ledger.excuse(producer, 2);
    assert_eq!(ledger.lost(), 1);
    let receipts = [1, 2, 1].map(|at| ledger.receive(Group::SHARED, &tokens[at]));
    assert_eq!(receipts, [Some(Receipt::First), Some(Receipt::First), Some(Receipt::Again)]);
    assert_eq!(ledger.lost(), 0);
}

#[test]
fn each_receiver_of_its_own_is_owed_what_is_sent_while_it_is_there() {
    let mut ledger = Ledger::new(1, false);
    let producer = ledger.new_producer();
    let early = ledger.send(producer, 0);
    let (first, second) = (ledger.join(false).unwrap(), ledger.join(false).unwrap());
    let tokens = sent(&mut ledger, producer, 3);
    tokens.iter().for_each(|token| ledger.accept(producer, token.number));
    assert_eq!(ledger.receive(first, &early), None);
    for token in &tokens {
        ledger.receive(first, token);
    }
    ledger.receive(second, &tokens[1]);
    assert_eq!(ledger.lost(), 1, "what came last shows that the first is missing");
    ledger.mark(second);
    assert_eq!((ledger.owed(first), ledger.owed(second), ledger.lost()), (0, 2, 2));
    ledger.leave(second);
    sent(&mut ledger, producer, 5);
    assert_eq!(ledger.lost(), 2, "who has left is owed nothing more");
    let again = ledger.join(false).unwrap();
    assert_eq!((again, ledger.lost()), (second, 2));
}

#[test]
fn a_receiver_that_nothing_reached_has_lost_what_was_marked() {
    let mut ledger = Ledger::new(1, false);
    let group = ledger.join(true).unwrap();
    let producer = ledger.new_producer();
    sent(&mut ledger, producer, 4);
    ledger.mark(group);
    assert_eq!((ledger.owed(group), ledger.lost()), (4, 4));
}

#[test]
fn the_last_worker_to_end_tells_what_was_lost() {
    let plan = LedgerPlan { name: "events".to_owned(), lost: SeriesId(7), shared: true };
    let ledgers = Ledgers::new(&[plan], 1, 2);
    let producer = ledgers.get(0).unwrap().new_producer();
    ledgers.get(0).unwrap().send(producer, 0);
    assert_eq!(ledgers.worker_ended(), []);
    assert_eq!(ledgers.worker_ended(), [(SeriesId(7), 1)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn in_any_order_with_duplicates_the_counts_are_exact(
        dropped in proptest::collection::btree_set(0_usize..20_000, 0..20),
        again in proptest::collection::vec(0_usize..20_000, 0..50),
        seed in any::<u64>(),
    ) {
        let mut ledger = Ledger::new(1, true);
        let producers = [ledger.new_producer(), ledger.new_producer()];
        let mut arriving: Vec<usize> = (0..20_000).filter(|at| !dropped.contains(at)).collect();
        arriving.extend(again.iter().filter(|at| !dropped.contains(at)));
        let tokens: Vec<Token> =
            (0..20_000).map(|at| ledger.send(producers[at % 2], 0)).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut arriving);
        let mut duplicates = 0;
        for at in &arriving {
            duplicates += u64::from(ledger.receive(Group::SHARED, &tokens[*at]) == Some(Receipt::Again));
        }
        prop_assert_eq!(ledger.lost(), dropped.len() as u64);
        prop_assert_eq!(duplicates as usize, arriving.len() + dropped.len() - 20_000);
    }
}

#[test]
fn what_was_not_accepted_comes_to_each_receiver_once() {
    let mut ledger = Ledger::new(1, false);
    let [one, two, three] = [(); 3].map(|()| ledger.join(false).unwrap());
    let producer = ledger.new_producer();
    let token = ledger.send(producer, 0);
    assert_eq!(ledger.receive(one, &token), Some(Receipt::First));
    ledger.excuse(producer, token.number);
    let receipts = [two, two, one, three].map(|group| ledger.receive(group, &token));
    assert_eq!(receipts, [Receipt::First, Receipt::Again, Receipt::Again, Receipt::First].map(Some));
    assert_eq!(ledger.lost(), 0);
}

#[test]
fn a_late_receiver_of_all_is_not_owed_what_was_not_accepted() {
    let mut ledger = Ledger::new(1, false);
    let producer = ledger.new_producer();
    let tokens = sent(&mut ledger, producer, 3);
    ledger.excuse(producer, 2);
    let late = ledger.join(true).unwrap();
    ledger.receive(late, &tokens[2]);
    assert_eq!(ledger.lost(), 1);
    assert_eq!(ledger.receive(late, &tokens[1]), Some(Receipt::First), "it came all the same");
}

#[test]
fn a_receiver_that_leaves_has_lost_only_what_is_accepted_in_the_end() {
    let mut ledger = Ledger::new(1, false);
    let groups = [(); 2].map(|()| ledger.join(false).unwrap());
    let producer = ledger.new_producer();
    let tokens = sent(&mut ledger, producer, 3);
    ledger.accept(producer, 1);
    for group in groups {
        ledger.mark(group);
        ledger.leave(group);
    }
    assert_eq!(ledger.lost(), 2, "the first, twice; of the others nobody knows");
    ledger.accept(producer, tokens[1].number);
    assert_eq!(ledger.lost(), 4);
    ledger.excuse(producer, tokens[2].number);
    assert_eq!(ledger.lost(), 4, "it never was accepted");
}

#[test]
fn what_was_under_way_when_somebody_began_to_wait_is_owed_and_nothing_later() {
    let mut ledger = Ledger::new(1, false);
    let group = ledger.join(false).unwrap();
    let producer = ledger.new_producer();
    sent(&mut ledger, producer, 2);
    let before = ledger.sent();
    for token in sent(&mut ledger, producer, 3) {
        ledger.accept(producer, token.number);
    }
    ledger.owe(group, before);
    assert_eq!((ledger.owed(group), ledger.lost()), (2, 2));
}

#[test]
fn ledgers_of_one_run_do_not_take_each_others_events() {
    let plan = |lost| LedgerPlan { name: format!("events {lost}"), lost: SeriesId(lost), shared: true };
    let ledgers = Ledgers::new(&[plan(0), plan(1)], 7, 1);
    let tokens = [0, 1].map(|at| {
        let mut ledger = ledgers.get(at).unwrap();
        let producer = ledger.new_producer();
        ledger.send(producer, 0)
    });
    assert_eq!(ledgers.get(0).unwrap().receive(Group::SHARED, &tokens[1]), None);
    assert_eq!(ledgers.get(1).unwrap().receive(Group::SHARED, &tokens[1]), Some(Receipt::First));
    assert_eq!(ledgers.worker_ended(), [(SeriesId(0), 1), (SeriesId(1), 0)]);
}

#[test]
fn without_room_producers_share_sequences_and_nothing_is_lost_by_it() {
    let mut ledger = Ledger { most_windows: 8, ..Ledger::new(1, false) };
    let group = ledger.join(false).unwrap();
    let producers: Vec<Producer> = (0..10).map(|_| ledger.new_producer()).collect();
    assert_eq!(ledger.sent.len(), 4, "two groups, one of them of those that share");
    let tokens: Vec<Token> = producers.iter().flat_map(|it| sent(&mut ledger, *it, 10)).collect();
    for (at, token) in tokens.iter().enumerate().rev().filter(|(at, _)| *at != 50) {
        assert_eq!(ledger.receive(group, token), Some(Receipt::First), "the {at}th: in no order of its own");
    }
    assert_eq!(ledger.receive(group, &tokens[99]), Some(Receipt::Again));
    ledger.mark(group);
    assert_eq!((ledger.lost(), ledger.join(false)), (1, None), "and no further receiver has room");
    ledger.leave(group);
    assert_eq!(ledger.join(false), Some(group), "but in the place of one that has left");
}
