//! Parsing, printing and refusing endpoints.
