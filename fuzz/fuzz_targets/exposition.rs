//! Any bytes through the exposition's parser, in both formats: no panic, limits hold, nothing is lost, and what
//! was accepted reads back as the same when it is written as text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use loadgate::exposition::{Format, Limits, encode, parse};

fuzz_target!(|body: &[u8]| {
    let limits = Limits { max_samples: 1000, max_label_bytes: 256, ..Limits::default() };
    for format in [Format::Text, Format::OpenMetrics] {
        let Ok(parsed) = parse(body, format, &limits) else { continue };
        let mut kept = 0;
        parsed.families.iter().for_each(|family| family.each_sample(|_, _, _| kept += 1));
        assert_eq!(kept + parsed.duplicates, parsed.samples);
        let mut text = String::new();
        encode(&parsed.families, Format::Text, &mut text);
        let again = parse(text.as_bytes(), Format::Text, &Limits::default()).expect("own text is readable");
        // As text, since NaN is not equal to itself.
        assert_eq!(format!("{:?}", again.families), format!("{:?}", parsed.families));
        let mut openmetrics = String::new();
        encode(&parsed.families, Format::OpenMetrics, &mut openmetrics);
        parse(openmetrics.as_bytes(), Format::OpenMetrics, &Limits::default()).expect("own OpenMetrics is readable");
    }
});
