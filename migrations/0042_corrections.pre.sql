-- Events that turned out to be something else than they were called, until they are called otherwise wherever they are kept.
create table event_correction (
    id bigint generated always as identity,
    profile_id bigint not null,  -- whose, under any id they had
    name text not null,          -- what they are called
    becomes text not null,       -- what they are to be called
    message_ids text[] not null,
    asked_at timestamptz not null,  -- business time
    primary key (profile_id, id)
);
create index event_correction_id on event_correction (id);

-- Whose events of which name were corrected, in order, for whoever keeps something that follows from events. Kept for a month.
create table event_corrected (
    seq bigint generated always as identity,
    profile_id bigint not null,  -- as the events were written
    name text not null,
    at timestamptz not null default clock_timestamp(),
    primary key (profile_id, seq)
);
create index event_corrected_seq on event_corrected (seq);
create index event_corrected_at on event_corrected (at);

-- How far computed traits heeded them: one row.
create table computed_corrected (
    one boolean primary key default true check (one),
    seq bigint not null
);
insert into computed_corrected (seq) values (0);
