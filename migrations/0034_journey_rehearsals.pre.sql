-- Rehearsals of journeys: what was asked, and the report. Nothing in them names a customer.
create table journey_rehearsal (
    id bigint generated always as identity primary key,
    journey_id bigint not null references journey (id) on delete cascade,
    definition jsonb not null,               -- the draft as it was
    asked jsonb not null,                    -- mode, days, sample, rates, seed
    state text not null check (state in ('waiting', 'running', 'done', 'failed', 'cancelled')),
    job_id bigint,
    report jsonb,
    error text,
    created_at timestamptz not null,
    created_by text not null,
    finished_at timestamptz
);
create index journey_rehearsal_journey on journey_rehearsal (journey_id, id);
