//! Keys: what tells two calls apart.
