//! What is on sale, and who got it. Pure: it is told the time and which orders the fault lets through.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::rate_limit::RateLimit;

/// Products that have been put on sale; more are refused.
const MAX_PRODUCTS: usize = 100;

/// Idempotency keys remembered for each product; of more than that the oldest are forgotten.
const MAX_KEYS: usize = 100_000;

/// All products.
pub(super) struct Shop {
    limit: RateLimit,
    products: HashMap<String, Product>,
    /// The product put on sale last.
    newest: Option<String>,
    orders: u64,
    counts: Counts,
}

/// Orders since the service began, by what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) struct Counts {
    pub(in super::super) accepted: u64,
    /// Answered with what their key was answered with before.
    pub(in super::super) repeated: u64,
    pub(in super::super) sold_out: u64,
    pub(in super::super) rate_limited: u64,
}

/// One product on sale.
#[derive(Debug, Default)]
pub(super) struct Product {
    pub(super) quantity: u32,
    pub(super) stock: u32,
    /// Orders accepted; above `quantity` only by the fault `oversell`.
    pub(super) accepted: u64,
    /// The order of each key that was accepted. What was refused is asked afresh.
    keys: HashMap<u64, u64>,
    oldest_keys: VecDeque<u64>,
}

/// What becomes of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Accepted { order: u64 },
    RateLimited,
    SoldOut,
    NotOnSale,
}

/// There are products enough.
#[derive(Debug, thiserror::Error)]
#[error("{MAX_PRODUCTS} products have been put on sale; use one of them again")]
pub(super) struct TooManyProducts;

impl Shop {
    pub(super) fn new(orders_per_sec: u32) -> Self {
        Self {
            limit: RateLimit::new(orders_per_sec),
            products: HashMap::new(),
            newest: None,
            orders: 0,
            counts: Counts::default(),
        }
    }

    /// Begins a sale; one of the same product that went on before is forgotten with its orders.
    pub(super) fn init(&mut self, product: &str, quantity: u32) -> Result<(), TooManyProducts> {
        if self.products.len() >= MAX_PRODUCTS && !self.products.contains_key(product) {
            return Err(TooManyProducts);
        }
        let fresh = Product { quantity, stock: quantity, ..Product::default() };
        self.products.insert(product.to_owned(), fresh);
        self.newest = Some(product.to_owned());
        Ok(())
    }

    /// The named product, or the one put on sale last.
    pub(super) fn product(&self, name: Option<&str>) -> Option<(&str, &Product)> {
        let (name, product) = self.products.get_key_value(name.or(self.newest.as_deref())?)?;
        Some((name, product))
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// Decides on one order, which came `elapsed` after the service began. `key` is its idempotency key's
    /// hash; `oversells` is asked only when nothing is left.
    pub(super) fn order(
        &mut self,
        product: &str,
        key: Option<u64>,
        elapsed: Duration,
        oversells: impl FnOnce() -> bool,
    ) -> Decision {
        let Some(product) = self.products.get_mut(product) else { return Decision::NotOnSale };
        // Before the limit: who is told twice that he has bought has bought once.
        if let Some(order) = key.and_then(|key| product.keys.get(&key)) {
            self.counts.repeated += 1;
            return Decision::Accepted { order: *order };
        }
        if !self.limit.admits(elapsed) {
            self.counts.rate_limited += 1;
            return Decision::RateLimited;
        }
        if product.stock == 0 && !oversells() {
            self.counts.sold_out += 1;
            return Decision::SoldOut;
        }
        self.counts.accepted += 1;
        self.orders += 1;
        product.stock = product.stock.saturating_sub(1);
        product.accepted += 1;
        if let Some(key) = key {
            product.remember(key, self.orders);
        }
        Decision::Accepted { order: self.orders }
    }
}

impl Product {
    fn remember(&mut self, key: u64, order: u64) {
        if self.oldest_keys.len() >= MAX_KEYS
            && let Some(oldest) = self.oldest_keys.pop_front()
        {
            self.keys.remove(&oldest);
        }
        self.keys.insert(key, order);
        self.oldest_keys.push_back(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRODUCT: &str = "iphone-15";

    fn shop(quantity: u32, orders_per_sec: u32) -> Shop {
        let mut shop = Shop::new(orders_per_sec);
        shop.init(PRODUCT, quantity).unwrap();
        shop
    }

    fn order(shop: &mut Shop, key: u64) -> Decision {
        shop.order(PRODUCT, Some(key), Duration::ZERO, || false)
    }

    #[test]
    fn what_is_there_is_sold_and_no_more() {
        let mut shop = shop(2, 0);
        assert_eq!(order(&mut shop, 1), Decision::Accepted { order: 1 });
        assert_eq!(order(&mut shop, 2), Decision::Accepted { order: 2 });
        assert_eq!(order(&mut shop, 3), Decision::SoldOut);
        let (_, product) = shop.product(None).unwrap();
        assert_eq!((product.stock, product.accepted, product.quantity), (0, 2, 2));
    }

    #[test]
    fn a_key_is_answered_alike_each_time_and_sold_to_once() {
        let mut shop = shop(2, 1);
        for _ in 0..3 {
            assert_eq!(order(&mut shop, 1), Decision::Accepted { order: 1 });
        }
        assert_eq!(order(&mut shop, 2), Decision::RateLimited);
        let counts = Counts { accepted: 1, repeated: 2, sold_out: 0, rate_limited: 1 };
        assert_eq!((shop.counts(), shop.product(None).unwrap().1.stock), (counts, 1));
    }

    #[test]
    fn orders_without_a_key_are_each_their_own() {
        let mut shop = shop(2, 0);
        for number in 1..=2 {
            let decision = shop.order(PRODUCT, None, Duration::ZERO, || false);
            assert_eq!(decision, Decision::Accepted { order: number });
        }
    }

    #[test]
    fn the_fault_oversells_only_what_is_sold_out() {
        let mut shop = shop(1, 0);
        let mut asked = 0;
        for key in 0..3 {
            shop.order(PRODUCT, Some(key), Duration::ZERO, || {
                asked += 1;
                true
            });
        }
        let (_, product) = shop.product(None).unwrap();
        assert_eq!((asked, product.accepted, product.stock), (2, 3, 0));
    }

    #[test]
    fn a_new_sale_forgets_the_one_before() {
        let mut shop = shop(1, 0);
        order(&mut shop, 1);
        shop.init(PRODUCT, 1).unwrap();
        assert_eq!(order(&mut shop, 1), Decision::Accepted { order: 2 });
    }

    #[test]
    fn products_and_keys_are_bounded() {
        let mut shop = shop(u32::MAX, 0);
        for number in 1..MAX_PRODUCTS {
            shop.init(&number.to_string(), 1).unwrap();
        }
        assert!(shop.init("one more", 1).is_err());
        assert!(shop.init("1", 1).is_ok());
        for key in 0..=MAX_KEYS as u64 {
            order(&mut shop, key);
        }
        let (_, product) = shop.product(Some(PRODUCT)).unwrap();
        assert_eq!((product.keys.len(), product.oldest_keys.len()), (MAX_KEYS, MAX_KEYS));
        assert!(!product.keys.contains_key(&0), "the oldest is forgotten first");
    }

    #[test]
    fn what_is_not_on_sale_cannot_be_bought() {
        assert_eq!(Shop::new(0).order("x", None, Duration::ZERO, || true), Decision::NotOnSale);
    }
}
