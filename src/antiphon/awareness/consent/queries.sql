-- name: record_consents
-- Append statements to the ledger and bring the latest word of each customer up to date, in one statement.
with given as (
    select profile_id, channel, topic, state, at, source, evidence, dated, n
    from unnest(
        %(profile_ids)s::bigint[], %(channels)s::text[], %(topics)s::text[], %(states)s::text[],
        %(ats)s::timestamptz[], %(sources)s::text[], %(evidence)s::text[], %(dated)s::boolean[]
    ) with ordinality as given (profile_id, channel, topic, state, at, source, evidence, dated, n)
), wanted as (
    select given.* from given
    left join consent_state s using (profile_id, channel, topic)
    where not %(only_changes)s
       or (s.state is distinct from given.state or given.dated and given.at > s.at)
          and not exists (
              select 1 from consent c
              where c.profile_id = given.profile_id and c.channel = given.channel and c.topic = given.topic
                and c.state = given.state and c.at = given.at
          )
), written as (
    insert into consent (profile_id, channel, topic, state, at, source, evidence)
    select profile_id, channel, topic, state, at, source, evidence::jsonb from wanted order by n
    returning id, profile_id, channel, topic, state, at
), latest as (
    select distinct on (profile_id, channel, topic) profile_id, channel, topic, state, at, id
    from written
    order by profile_id, channel, topic, state = 'pending', at desc, id desc
), kept as (
    insert into consent_state (profile_id, channel, topic, state, at, consent_id)
    select profile_id, channel, topic, state, at, id from latest
    on conflict (profile_id, channel, topic) do update
        set state = excluded.state, at = excluded.at, consent_id = excluded.consent_id
        where (consent_state.at, consent_state.consent_id) < (excluded.at, excluded.consent_id)
              and not (consent_state.state = 'granted' and excluded.state = 'pending')
           or consent_state.state = 'pending' and excluded.state = 'granted'
              and not exists (
                  select 1 from consent c
                  where c.profile_id = excluded.profile_id and c.channel = excluded.channel and c.topic = excluded.topic
                    and c.state = 'withdrawn' and c.at > excluded.at
              )
)
select id, profile_id from written order by id;

-- name: withdraw_all
-- A customer's no to every topic of a channel, with one evidence.
with written as (
    insert into consent (profile_id, channel, topic, state, at, source, evidence)
    select %(profile_id)s, %(channel)s, t.name, 'withdrawn', %(at)s, %(source)s, %(evidence)s
    from topic t
    left join consent_state s on s.profile_id = %(profile_id)s and s.channel = %(channel)s and s.topic = t.name
    where s.state is distinct from 'withdrawn'
    returning id, profile_id, channel, topic, state, at
), kept as (
    insert into consent_state (profile_id, channel, topic, state, at, consent_id)
    select profile_id, channel, topic, state, at, id from written order by topic
    on conflict (profile_id, channel, topic) do update
        set state = excluded.state, at = excluded.at, consent_id = excluded.consent_id
        where consent_state.at <= excluded.at
)
select topic from written order by topic;

-- name: list_states
-- The latest word of one customer on every channel and topic.
select s.channel, s.topic, t.title as topic_title, s.state, s.at, s.consent_id
from consent_state s join topic t on t.name = s.topic
where s.profile_id = any(%(profile_ids)s)
order by s.channel, s.topic;

-- name: list_ledger
-- Everything one customer said, newest first.
select id, profile_id, channel, topic, state, at, source, evidence, recorded_at
from consent
where profile_id = any(%(profile_ids)s) and (%(before)s::bigint is null or id < %(before)s)
order by id desc
limit %(limit)s;

-- name: find_consent
-- One row of the ledger.
select id, profile_id, channel, topic, state, at, source, evidence, recorded_at
from consent where profile_id = %(profile_id)s and id = %(id)s;

-- name: asked_since
-- Whether somebody, under any id they have, was asked to confirm the same by a later link.
select 1 from consent c
where c.id > %(id)s and c.channel = %(channel)s and c.topic = %(topic)s and c.state = 'pending' and c.at > %(since)s
  and c.profile_id = any(array(select %(profile_id)s::bigint union select to_id from alias where from_id = %(profile_id)s::bigint))
limit 1;

-- name: consent_as_of
-- What a customer's latest word was at an instant, under any id they have.
select id, profile_id, channel, topic, state, at, source, evidence, recorded_at
from consent
where profile_id = any(%(profile_ids)s) and channel = %(channel)s and topic = %(topic)s and at <= %(at)s
order by at desc, id desc
limit 1;

-- name: forget_states
-- After people became one or were parted: their latest words are worked out anew.
delete from consent_state where profile_id = any(%(profile_ids)s);

-- name: rebuild_states
-- What the ledgers of these people, and of those merged into them, say is their latest word. A question that is still to be
-- confirmed takes no consent away.
with members as (
    select p.id, p.id as member from unnest(%(profile_ids)s::bigint[]) p (id)
    union all select a.to_id, a.from_id from alias a where a.to_id = any(%(profile_ids)s)
), said as (
    select m.id as profile_id, c.channel, c.topic, c.state, c.at, c.id from members m join consent c on c.profile_id = m.member
), decided as (
    select distinct on (profile_id, channel, topic) * from said
    where state <> 'pending' order by profile_id, channel, topic, at desc, id desc
), asked as (
    select distinct on (profile_id, channel, topic) * from said
    where state = 'pending' order by profile_id, channel, topic, at desc, id desc
)
insert into consent_state (profile_id, channel, topic, state, at, consent_id)
select profile_id, channel, topic, d.state, d.at, d.id from decided d left join asked q using (profile_id, channel, topic)
where d.state = 'granted' or q.id is null or (q.at, q.id) < (d.at, d.id)
union all
select profile_id, channel, topic, q.state, q.at, q.id from asked q left join decided d using (profile_id, channel, topic)
where d.id is null or (d.state <> 'granted' and (d.at, d.id) < (q.at, q.id))
order by profile_id, channel, topic
on conflict (profile_id, channel, topic) do update
    set state = excluded.state, at = excluded.at, consent_id = excluded.consent_id
    where (consent_state.at, consent_state.consent_id) < (excluded.at, excluded.consent_id);

-- name: canonical_of
-- Who these people are now.
select distinct coalesce(a.to_id, p.id) from unnest(%(profile_ids)s::bigint[]) p (id) left join alias a on a.from_id = p.id;

-- name: suppress
-- Put addresses on the suppression list. What stops more outweighs: what a person entered stops everything, a bounce nearly
-- everything, a complaint marketing and service alone (manual > hard_bounce > complaint, as the alphabet has it); and what lasts
-- outweighs what ends: the weightiest reason stands for the longest time. An entry that has run out is as if it were not there.
-- Whose addresses they are comes back.
with given as (
    select distinct on (channel, address) channel, address, reason, source, at, note,
        case when bool_and(expires_at is not null) over entry then max(expires_at) over entry end as expires_at
    from unnest(
        %(channels)s::text[], %(addresses)s::text[], %(reasons)s::text[], %(sources)s::text[], %(ats)s::timestamptz[],
        %(expires)s::timestamptz[], %(notes)s::text[]
    ) as given (channel, address, reason, source, at, expires_at, note)
    window entry as (partition by channel, address)
    order by channel, address, reason desc
), listed as (
    insert into suppression as s (channel, address, reason, source, at, expires_at, note)
    select channel, address, reason, source, at, expires_at, note from given order by channel, address
    on conflict (channel, address) do update
        set reason = case when s.expires_at <= excluded.at or excluded.reason >= s.reason then excluded.reason else s.reason end,
            source = case when s.expires_at <= excluded.at or excluded.reason >= s.reason then excluded.source else s.source end,
            at = case when s.expires_at <= excluded.at or excluded.reason >= s.reason then excluded.at else s.at end,
            note = case when s.expires_at <= excluded.at or excluded.reason >= s.reason then excluded.note else s.note end,
            expires_at = case when s.expires_at <= excluded.at then excluded.expires_at
                when s.expires_at is not null and excluded.expires_at is not null then greatest(s.expires_at, excluded.expires_at) end
        where excluded.reason > s.reason or s.expires_at <= excluded.at
           or s.expires_at is not null and (excluded.expires_at is null or excluded.expires_at > s.expires_at)
    returning address
)
select (select count(*) from listed) as listed, i.profile_id
from (select 1) once
left join (listed l join identity i on i.kind = any(%(kinds)s::text[]) and i.value = l.address) on true;

-- name: unsuppress
-- Take an address off the suppression list.
delete from suppression where channel = %(channel)s and address = %(address)s
returning channel, address, reason, source, at, expires_at, note;

-- name: lift_stops
-- Whoever says that they want to hear from us again takes their own word to stop back; what else is on the list stays.
delete from suppression s using unnest(%(channels)s::text[], %(addresses)s::text[]) as g (channel, address)
where s.channel = g.channel and s.address = g.address and s.reason = 'complaint' and s.source = 'stop'
returning s.address;

-- name: run_out
-- Entries whose time is over leave the list, some thousands at a time.
with gone as (
    delete from suppression
    where (channel, address) in (
        select channel, address from suppression where expires_at <= %(now)s order by expires_at limit %(most)s
        for update skip locked
    )
    returning channel, address
), digests as (
    delete from suppression_digest where expires_at <= %(now)s
)
select g.channel, g.address, i.profile_id
from gone g left join identity i on i.kind = any(%(kinds)s::text[]) and i.value = g.address;

-- name: owners_of_address
-- Whose an address is, by any of these kinds of identity.
select profile_id from identity where kind = any(%(kinds)s::text[]) and value = any(%(addresses)s::text[]);

-- name: veil_suppressed
-- Erasure: the addresses of these people stay on the list as keyed digests only.
with gone as (
    delete from suppression s using identity i
    where i.profile_id = any(%(profile_ids)s) and i.kind = any(%(kinds)s::text[]) and s.address = i.value
    returning s.channel, s.address, s.reason, s.at, s.expires_at
)
insert into suppression_digest (channel, digest, reason, at, expires_at)
select channel, sha256(%(key)s::bytea || convert_to(address, 'UTF8')), reason, at, expires_at
from gone
on conflict (channel, digest) do update
    set reason = greatest(suppression_digest.reason, excluded.reason),
        expires_at = case when suppression_digest.expires_at is not null and excluded.expires_at is not null
        then greatest(suppression_digest.expires_at, excluded.expires_at) end;

-- name: unveil_suppressed
-- An address is allowed again: its digest goes as well.
delete from suppression_digest
where channel = %(channel)s and digest = sha256(%(key)s::bytea || convert_to(%(address)s, 'UTF8'))
returning reason;

-- name: list_suppressions
-- The suppression list, newest first, by channel, reason and the beginning of an address.
select channel, address, reason, source, at, expires_at, note
from suppression
where (%(channel)s::text is null or channel = %(channel)s)
  and (%(reason)s::text is null or reason = %(reason)s)
  and (%(prefix)s::text is null or starts_with(address, %(prefix)s))
  and (%(at)s::timestamptz is null or (at, channel, address) < (%(at)s, %(after_channel)s, %(after_address)s))
order by at desc, channel desc, address desc
limit %(limit)s;

-- name: list_topics
-- All topics, with how many customers said yes and no to each.
select t.name, t.title, t.description, t.translations, t.created_at,
       count(*) filter (where s.state = 'granted') as granted,
       count(*) filter (where s.state = 'withdrawn') as withdrawn,
       count(*) filter (where s.state = 'pending') as pending
from topic t left join consent_state s on s.topic = t.name
group by t.name order by t.created_at, t.name;

-- name: topic_names
-- Names and titles of all topics.
select name, title from topic order by name;

-- name: insert_topic
-- A new topic; nothing comes back if the name is taken.
insert into topic (name, title, description, translations) values (%(name)s, %(title)s, %(description)s, %(translations)s)
on conflict (name) do nothing
returning name;

-- name: update_topic
-- Change what a topic is called.
update topic set title = %(title)s, description = %(description)s, translations = %(translations)s
where name = %(name)s returning name;

-- name: delete_topic
-- Remove a topic nobody has said anything about.
delete from topic where name = %(name)s and not exists (select 1 from consent where topic = %(name)s) returning name;

-- name: export_consents
-- Everything one customer said, for their own copy.
select channel, topic, state, at, source, evidence, recorded_at
from consent where profile_id = any(%(profile_ids)s) order by id;

-- name: export_suppressions
-- The customer's addresses that nothing is sent to, for their own copy.
select s.channel, s.address, s.reason, s.at, s.expires_at
from suppression s join identity i on i.kind = any(%(kinds)s::text[]) and i.value = s.address
where i.profile_id = any(%(profile_ids)s) order by s.channel, s.address;

-- name: erase_states
-- Forget a customer's latest words.
delete from consent_state where profile_id = any(%(profile_ids)s);

-- name: erase_consents
-- Forget a customer's ledger.
delete from consent where profile_id = any(%(profile_ids)s);
