-- Campaigns: one message to an audience. What it says is a template until it starts, and from then on a version of it.
create table campaign (
    id bigint generated always as identity primary key,
    name text not null,
    description text not null default '',
    channel text not null,
    segment_id bigint,
    excluded_segment_ids bigint[] not null default '{}',
    template_id bigint references template (id),
    template_version_id bigint references template_version (id),
    account_id bigint references channel_account (id),
    topic text references topic (name),
    message_class text not null default 'marketing' check (message_class in ('transactional', 'service', 'marketing')),
    track_opens boolean not null default true,
    track_clicks boolean not null default true,
    send_at timestamptz,
    state text not null default 'draft' check (state in ('draft', 'scheduled', 'sending', 'paused', 'finished', 'cancelled')),
    created_by text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    started_at timestamptz,
    finished_at timestamptz,
    archived_at timestamptz
);
create index campaign_recent on campaign (created_at desc, id desc);
create index campaign_open on campaign (id) where state in ('scheduled', 'sending')
    or (state = 'cancelled' and finished_at is null);

-- Whom a campaign is for, frozen when it starts: members and exclusions as Roaring bitmaps of profile ids. The gate
-- works through them in chunks; taken is how many it has decided, moved in the transaction that decided them.
create table campaign_audience (
    campaign_id bigint not null references campaign (id) on delete cascade,
    occurrence text not null,
    members bytea not null,
    excluded bytea not null,
    size bigint not null,
    taken bigint not null default 0,
    frozen_at timestamptz not null,
    primary key (campaign_id, occurrence)
);
