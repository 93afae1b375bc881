//! Values as bytes, for remote tiers.
