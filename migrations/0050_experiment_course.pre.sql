-- How an experiment's differences went, as it was last worked out where that takes long.
create table experiment_course (
    experiment_id integer primary key references experiment (id) on delete cascade,
    measured_at timestamptz not null,
    took_ms integer not null,
    body jsonb not null
);
