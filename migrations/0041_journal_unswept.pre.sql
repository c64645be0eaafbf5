-- A day of the journal is only ever added to, read once in order and dropped whole: sweeping what was added (as autovacuum does
-- after each fifth more) marks pages for readers it will never have, and takes the disk from those who wait for a commit.
create or replace function ensure_day(parent text, day date) returns boolean language plpgsql as $$
declare
    child text := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
    low text := quote_literal(day) ;
    high text := quote_literal(day + 1);
begin
    if to_regclass(format('%I', child)) is not null then
        return false;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('ensure_day:' || parent, 0));
    if to_regclass(format('%I', child)) is not null then
        return false;
    end if;
    if parent <> 'message_seen' then
        low := quote_literal(day::text || ' 00:00:00+00');
        high := quote_literal((day + 1)::text || ' 00:00:00+00');
    end if;
    begin
        execute format('create table %I (like %I including all)', child, parent);
    exception when duplicate_table then -- made while we waited for the lock; our view of the catalogue is older
        return false;
    end;
    if parent = 'journal' then
        execute format('alter table %I set (autovacuum_vacuum_insert_threshold = -1)', child);
    end if;
    execute format('alter table %I attach partition %I for values from (%s) to (%s)', parent, child, low, high);
    return true;
end
$$;

do $$
declare
    child regclass;
begin
    for child in select inhrelid::regclass from pg_inherits where inhparent = 'journal'::regclass loop
        execute format('alter table %s set (autovacuum_vacuum_insert_threshold = -1)', child);
    end loop;
end
$$;
