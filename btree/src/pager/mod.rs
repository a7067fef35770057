//! The pager: pages in memory, and how their changes become durable.
