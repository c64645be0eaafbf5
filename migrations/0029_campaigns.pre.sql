-- Campaigns beyond one-off: recurring, in the recipient's local time, triggered by events; with hops, goals, budgets,
-- a holdout, and approval before sending.
alter table campaign
    add column kind text not null default 'one_off' check (kind in ('one_off', 'recurring', 'triggered')),
    add column local_at timestamp,           -- said at this wall time, in each person's own zone
    add column recurrence jsonb,             -- when a recurring one is said: rule, zone, first time, what of missed ones
    add column trigger jsonb,                -- which events a triggered one answers
    add column purpose text not null default '',
    add column split boolean not null default false,
    add column hops jsonb not null default '[]',
    add column holdout_percent real not null default 0 check (holdout_percent >= 0 and holdout_percent <= 50),
    add column budget_micros bigint check (budget_micros > 0),
    add column goal jsonb,                   -- what counts as a conversion
    add column next_wall timestamp,          -- the next time of a recurring one, as its rule says it
    add column next_at timestamptz,          -- and the instant at which that is frozen
    add column authors text[] not null default '{}',  -- who wrote what is (to be) approved
    add column approval jsonb,               -- who asked for approval, who decided it, and what they said
    add column held_reason text,             -- why the system itself paused it
    drop constraint campaign_state_check,
    add constraint campaign_state_check check (state in ('draft', 'awaiting_approval', 'approved', 'refused', 'scheduled',
        'sending', 'running', 'paused', 'finished', 'cancelled'));
drop index campaign_open;
create index campaign_open on campaign (id) where state in ('scheduled', 'sending', 'running')
    or (state = 'cancelled' and finished_at is null);
create index campaign_answering on campaign (id) where kind = 'triggered' and state in ('running', 'paused');
create index campaign_goal on campaign (id) where goal is not null and started_at is not null;

-- An occurrence of a campaign: a one-off has one, a recurring one has one for each time it is said. What it says is frozen
-- with whom it says it to.
alter table campaign_audience
    add column planned_for timestamptz,
    add column local_at timestamp,
    add column template_version_id bigint references template_version (id),
    add column account_id bigint references channel_account (id),
    add column over_at timestamptz;
update campaign_audience a set planned_for = coalesce(c.send_at, a.frozen_at), template_version_id = c.template_version_id,
    account_id = c.account_id, over_at = c.finished_at
from campaign c where c.id = a.campaign_id;
create index campaign_audience_open on campaign_audience (campaign_id) where over_at is null;

-- How far each lane's events have been read by what campaigns do with them: answer them, or count them as conversions.
create table campaign_cursor (
    reader text not null,
    lane smallint not null,
    seq bigint not null,
    received_at timestamptz not null,
    primary key (reader, lane)
) with (fillfactor = 50);

-- What a triggered campaign has answered already, where it answers each key once (a keyed hash: an order and its status).
create table campaign_answered (
    campaign_id bigint not null references campaign (id) on delete cascade,
    key bytea not null,
    at timestamptz not null,
    primary key (campaign_id, key)
);

-- When a triggered campaign that answers a person once in a period last did.
create table campaign_last (
    campaign_id bigint not null references campaign (id) on delete cascade,
    profile_id bigint not null,
    at timestamptz not null,
    primary key (campaign_id, profile_id)
);
create index campaign_last_profile on campaign_last (profile_id);

-- Events that a campaign's goal counts, of people it was for, written to or held out, and of whoever else names its code. How
-- each came about (by code, after a click) is asked of the ledger when it is shown, so that it stays true when clicks are judged
-- anew. delivery_id is the first hop of what was said to them, or to whoever the code was given to.
create table conversion (
    campaign_id bigint not null references campaign (id) on delete cascade,
    profile_id bigint not null,
    key bytea not null,
    delivery_id bigint,
    ts timestamptz not null,
    heard_at timestamptz not null,
    lane smallint not null,
    seq bigint not null,
    value numeric,
    by_code boolean not null default false,
    primary key (campaign_id, profile_id, key)
);
create index conversion_profile on conversion (profile_id);
create index conversion_time on conversion (campaign_id, ts desc, lane, seq);
create index conversion_delivery on conversion (delivery_id);

-- How each conversion came about, as the ledger has it now: of somebody held out, by code, in the window after a click of a
-- person's (not a machine's), or in the window after the message. Those that are null came too late to count.
create view attributed_conversion as
select t.*, case
        when t.held then case when t.ts >= t.due_at and t.ts <= t.due_at + t.within then 'holdout' end
        when t.by_code then 'code'
        when exists (
            select 1 from delivery x
            where (x.id = t.delivery_id or x.origin_id = t.delivery_id) and x.clicked_at is not null and (
                x.clicked_at <= t.ts and t.ts <= x.clicked_at + t.within
                or exists (
                    select 1 from engagement e
                    where e.delivery_id = x.id and e.kind = 'clicked' and e.class = 'person'
                      and e.at <= t.ts and t.ts <= e.at + t.within))
        ) then 'click'
        when exists (
            select 1 from delivery x
            where (x.id = t.delivery_id or x.origin_id = t.delivery_id) and x.sent_at <= t.ts and t.ts <= x.sent_at + t.within
        ) then 'message'
    end as how
from (
    select c.campaign_id, c.profile_id, c.key, c.delivery_id, c.ts, c.heard_at, c.lane, c.seq, c.value, c.by_code,
           d.reason is not distinct from 'holdout' as held, d.due_at,
           make_interval(secs => (g.goal ->> 'within_seconds')::float8) as within
    from conversion c
    join campaign g on g.id = c.campaign_id
    left join delivery d on d.id = c.delivery_id
) t;

-- A campaign's numbers as they were known so many hours after it started.
create table campaign_snapshot (
    campaign_id bigint not null references campaign (id) on delete cascade,
    hours smallint not null,
    at timestamptz not null,
    numbers jsonb not null,
    primary key (campaign_id, hours)
);

-- A large campaign's report as it was last worked out.
create table campaign_report (
    campaign_id bigint not null references campaign (id) on delete cascade,
    part text not null,
    as_of timestamptz not null,
    took_ms integer not null,
    body jsonb not null,
    primary key (campaign_id, part)
);

-- The installation's own rules of campaigns: one row.
create table campaign_rule (
    one boolean primary key default true check (one),
    approval text not null default 'off' check (approval in ('off', 'over', 'always')),
    approval_over bigint not null default 0,
    changed_at timestamptz,
    changed_by text
);
insert into campaign_rule default values;

-- Messages handed in by the API: one request for each key of an API key or person, so that a repeated call says nothing twice.
-- Key and body are hashes: what they said is the delivery's, and leaves with it.
create table message_request (
    id bigint generated always as identity,
    owner text not null,
    key bytea not null,
    body bytea not null,
    delivery_id bigint,
    at timestamptz not null,
    primary key (owner, key)
) with (fillfactor = 80);
create index message_request_at on message_request (at);

-- Whom a text of the API's, that is no template's, was said to: one said to a single customer alone is forgotten with them.
create table message_text (
    profile_id bigint not null,
    dispatch_id bigint not null,
    primary key (profile_id, dispatch_id)
);
create index message_text_dispatch on message_text (dispatch_id);
