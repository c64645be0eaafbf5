-- name: read_rule
-- The rules that are one for the installation.
select version, timezone, quiet, windows from delivery_rule;

-- name: write_rule
-- Quiet hours, send windows and the installation's clock as they are to be.
update delivery_rule set timezone = %(timezone)s, quiet = %(quiet)s, windows = %(windows)s, version = version + 1;

-- name: touch_rules
-- Tell every process that some rule is another now.
update delivery_rule set version = version + 1;

-- name: list_purposes
-- What messages may be for.
select name, title, rank, renamed, archived_at from purpose order by rank, name;

-- name: add_purpose
-- A purpose of people's own, after all others.
insert into purpose (name, title, rank, renamed)
select %(name)s, %(title)s, least(32000, coalesce(max(rank), 0) + 1), true from purpose;

-- name: change_purpose
-- It is called otherwise, or offered no more.
update purpose set title = %(title)s, renamed = %(renamed)s, archived_at = %(archived_at)s where name = %(name)s;

-- name: read_paths
-- The usual path of each class that has one.
select message_class, hops from delivery_path order by message_class;

-- name: clear_paths
-- The usual paths are written whole.
delete from delivery_path;

-- name: write_paths
-- The usual paths as they are to be.
insert into delivery_path (message_class, hops, updated_at)
select name, hops, %(now)s from unnest(%(names)s::text[], %(hops)s::jsonb[]) p (name, hops);

-- name: channels_with_account
-- Channels that something can be said on.
select distinct channel from channel_account where enabled;

-- name: list_suitability
-- How channels suit purposes.
select s.purpose, s.channel, s.verdict, s.rank from suitability s join purpose p on p.name = s.purpose
order by p.rank, s.purpose, s.rank, s.channel;

-- name: clear_suitability
-- The table of suitability is written whole.
delete from suitability;

-- name: write_suitability
-- How channels suit purposes as it is to be.
insert into suitability (purpose, channel, verdict, rank)
select * from unnest(%(purposes)s::text[], %(channels)s::text[], %(verdicts)s::text[], %(ranks)s::int[]);

-- name: list_caps
-- Every frequency cap.
select id, name, most, seconds, classes, topics, channels, enabled, created_at, updated_at from frequency_cap order by id;

-- name: find_cap
-- One frequency cap.
select id, name, most, seconds, classes, topics, channels, enabled, created_at, updated_at from frequency_cap where id = %(id)s;

-- name: add_cap
-- A new frequency cap.
insert into frequency_cap (name, most, seconds, classes, topics, channels, enabled, created_at, updated_at)
values (%(name)s, %(most)s, %(seconds)s, %(classes)s, %(topics)s, %(channels)s, %(enabled)s, %(now)s, %(now)s)
on conflict (name) do nothing
returning id;

-- name: change_cap
-- A frequency cap as it is to be.
update frequency_cap set name = %(name)s, most = %(most)s, seconds = %(seconds)s, classes = %(classes)s, topics = %(topics)s,
    channels = %(channels)s, enabled = %(enabled)s, updated_at = %(now)s
where id = %(id)s and not exists (select 1 from frequency_cap where name = %(name)s and id <> %(id)s)
returning id;

-- name: delete_cap
-- Count no more by this cap.
delete from frequency_cap where id = %(id)s;

-- name: list_kinds
-- What caps tell messages apart by.
select id, message_class, channel, topic, urgency from contact_kind order by id;

-- name: add_kind
-- A kind of message said for the first time; every process hears of it with the next version of the rules.
with made as (
    insert into contact_kind (message_class, channel, topic, urgency)
    values (%(message_class)s, %(channel)s, %(topic)s, %(urgency)s)
    on conflict (message_class, channel, topic, urgency) do nothing
    returning id
)
update delivery_rule set version = version + (select count(*) from made);
