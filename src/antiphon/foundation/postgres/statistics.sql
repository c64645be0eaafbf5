-- name: tables
-- The tables of some schemas, largest last.
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm') and n.nspname = any(%(schemas)s) order by c.reltuples, 1, 2;

-- name: collected
-- What is remembered of one table's columns.
select attname, inherited from pg_stats where schemaname = %(schema)s and tablename = %(table)s;

-- name: can_clear
-- Whether this server can forget what it remembers of a column (PostgreSQL 18 and later).
select exists (select from pg_proc where proname = 'pg_clear_attribute_stats');

-- name: clear
-- Forget what is remembered of a column.
select pg_clear_attribute_stats(%(schema)s, %(table)s, %(column)s, %(inherited)s);
