-- Journeys: approval before publishing, what becomes of messages that wait, entries while paused, passages set aside.

-- When journeys must be approved by somebody else before they go live.
create table journey_rule (
    one boolean primary key default true check (one),
    approval text not null default 'off' check (approval in ('off', 'always')),
    changed_at timestamptz,
    changed_by text
);
insert into journey_rule default values;

-- Who asked for approval of which revision of the draft, and who decided it how; who wrote any of the draft since it last went live.
alter table journey add column approval jsonb;
alter table journey add column authors text[] not null default '{}';
alter table journey_version add column approval jsonb;

-- Entries kept for a paused journey since it was paused.
alter table journey add column kept_entries int not null default 0;

-- Whether what was handed to delivery for those who leave is still said.
alter table journey_move add column queued text not null default 'say' check (queued in ('say', 'cancel'));

-- Passages that ended and can be taken up again where they stood: taken out by hand, or ended by a merge.
create table journey_aside (
    profile_id bigint not null,
    run_id bigint not null,
    reason text not null check (reason in ('taken_out', 'merged')),
    at timestamptz not null,
    journey_id bigint not null,
    version_id bigint not null,
    step smallint not null,
    turn int not null,
    moved boolean not null,
    coming boolean not null,
    wake_at timestamptz,
    entered_at timestamptz not null,
    arrived_at timestamptz not null,
    key text not null,
    memory jsonb,
    origin bigint,
    primary key (profile_id, run_id)
);
create index journey_aside_at on journey_aside (at);
