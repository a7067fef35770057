//! Programs: instructions with their pools and links, and the builder that makes them.
