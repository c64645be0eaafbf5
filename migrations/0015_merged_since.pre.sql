-- In which transaction somebody was merged away, so that a process that remembers them asks for the new ones alone.
alter table alias add column xid xid8 not null default pg_current_xact_id();
create index alias_xid on alias (xid);
