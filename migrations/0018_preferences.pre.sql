-- How a customer wants to be written to: each row is something they said about one aspect, with its evidence. Rows are only ever
-- added; erasure deletes. A value of null takes a wish back.
create table preference_change (
    id bigint generated always as identity,
    profile_id bigint not null references profile (id),
    aspect text not null check (aspect in ('channel', 'frequency', 'language', 'quiet_hours', 'paused_until')),
    value jsonb,
    at timestamptz not null,
    source text not null,
    evidence jsonb not null default '{}',
    recorded_at timestamptz not null default clock_timestamp(),
    primary key (profile_id, id)
);
create function preference_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'what customers said about preferences is append-only';
end $$;
create trigger preference_append_only before update on preference_change
    for each statement execute function preference_is_append_only();

-- The latest word of each customer on each aspect, kept by the statement that appends above. channel: a channel's name.
-- frequency: 'all', 'daily', 'weekly' or 'monthly', the most often that marketing may come. language: 'en', 'ru' or 'zh'.
-- quiet_hours: {"from": "22:00", "to": "08:00", "zone": "Europe/Berlin"}. paused_until: an instant.
create table preference (
    profile_id bigint not null,
    aspect text not null,
    value jsonb,
    at timestamptz not null,
    source text not null,
    change_id bigint not null,
    primary key (profile_id, aspect)
) with (fillfactor = 85);

-- How the preference centre looks: one row. Null topics or channels: all there are.
create table preference_centre (
    one boolean primary key default true check (one),
    logo text not null default '',
    titles jsonb not null default '{}',
    topics text[],
    channels text[],
    languages text[] not null default '{en,ru,zh}',
    changed_at timestamptz
);
insert into preference_centre default values;

-- What a topic is called in other languages: {"ru": {"title": …, "description": …}}.
alter table topic add column translations jsonb not null default '{}';
update topic set translations = '{
    "ru": {"title": "Новости и предложения", "description": "Новости о товарах, предложения и акции"},
    "zh": {"title": "新闻与优惠", "description": "产品资讯、优惠和促销活动"}
}' where name = 'news' and title = 'News and offers';

-- A suppressed address may be let go by itself after a time; a note says what somebody knew of it.
alter table suppression add column expires_at timestamptz;
alter table suppression add column note text not null default '';
create index suppression_expiring on suppression (expires_at) where expires_at is not null;

-- Suppressed addresses of customers who were erased: known by a keyed digest alone, so that they stay unwritten to.
create table suppression_digest (
    channel text not null,
    digest bytea not null,
    reason text not null check (reason in ('hard_bounce', 'complaint', 'manual')),
    at timestamptz not null,
    expires_at timestamptz,
    primary key (channel, digest)
);
