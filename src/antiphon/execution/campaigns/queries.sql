-- name: insert_campaign
-- A new draft.
insert into campaign (name, description, channel, segment_id, excluded_segment_ids, template_id, account_id, topic,
                      message_class, track_opens, track_clicks, send_at, created_by, created_at, updated_at)
values (%(name)s, %(description)s, %(channel)s, %(segment_id)s, %(excluded_segment_ids)s, %(template_id)s, %(account_id)s,
        %(topic)s, %(message_class)s, %(track_opens)s, %(track_clicks)s, %(send_at)s, %(created_by)s, %(now)s, %(now)s)
returning id;

-- name: update_campaign
-- Change a campaign that has not started.
update campaign set name = %(name)s, description = %(description)s, channel = %(channel)s, segment_id = %(segment_id)s,
    excluded_segment_ids = %(excluded_segment_ids)s, template_id = %(template_id)s, account_id = %(account_id)s,
    topic = %(topic)s, message_class = %(message_class)s, track_opens = %(track_opens)s,
    track_clicks = %(track_clicks)s, send_at = %(send_at)s, updated_at = %(now)s
where id = %(id)s;

-- name: find_campaign
-- One campaign with its progress.
select c.id, c.name, c.description, c.channel, c.segment_id, c.excluded_segment_ids, c.template_id,
       c.template_version_id, c.account_id, c.topic, c.message_class, c.track_opens, c.track_clicks, c.send_at, c.state,
       c.created_by, c.created_at, c.updated_at, c.started_at, c.finished_at, c.archived_at,
       a.size as audience, a.taken
from campaign c left join campaign_audience a on a.campaign_id = c.id
where c.id = %(id)s;

-- name: lock_campaign
-- Hold a campaign for a change of its state.
select id from campaign where id = %(id)s for update;

-- name: list_campaigns
-- Campaigns, newest first.
select c.id, c.name, c.description, c.channel, c.segment_id, c.excluded_segment_ids, c.template_id,
       c.template_version_id, c.account_id, c.topic, c.message_class, c.track_opens, c.track_clicks, c.send_at, c.state,
       c.created_by, c.created_at, c.updated_at, c.started_at, c.finished_at, c.archived_at,
       a.size as audience, a.taken
from campaign c left join campaign_audience a on a.campaign_id = c.id
where (%(before)s::bigint is null or c.id < %(before)s)
  and (%(state)s::text is null or c.state = %(state)s)
  and (c.archived_at is not null) = %(archived)s
  and (%(text)s::text is null or strpos(lower(c.name), lower(%(text)s)) > 0)
order by c.id desc
limit %(limit)s;

-- name: move_campaign
-- Change a campaign's state; instants that are given are set once.
update campaign set state = %(state)s, updated_at = %(now)s,
    template_version_id = coalesce(%(template_version_id)s, template_version_id),
    account_id = coalesce(%(account_id)s, account_id),
    send_at = coalesce(%(send_at)s, send_at),
    started_at = coalesce(started_at, %(started_at)s),
    finished_at = coalesce(finished_at, %(finished_at)s)
where id = %(id)s;

-- name: archive_campaign
-- Put a campaign away, or take it out again.
update campaign set archived_at = %(archived_at)s, updated_at = %(now)s where id = %(id)s returning id;

-- name: delete_campaign
-- Remove a draft.
delete from campaign where id = %(id)s;

-- name: freeze_audience
-- Keep whom a campaign is for.
insert into campaign_audience (campaign_id, occurrence, members, excluded, size, frozen_at)
values (%(campaign_id)s, %(occurrence)s, %(members)s, %(excluded)s, %(size)s, %(now)s);

-- name: find_progress
-- How far the gate is through an audience.
select occurrence, size, taken from campaign_audience where campaign_id = %(campaign_id)s order by occurrence;

-- name: read_audience
-- The frozen audience itself.
select members, excluded from campaign_audience where campaign_id = %(campaign_id)s and occurrence = %(occurrence)s;

-- name: advance
-- Note that the gate has decided this many; only from where we thought it was.
update campaign_audience set taken = %(to)s
where campaign_id = %(campaign_id)s and occurrence = %(occurrence)s and taken = %(from)s
returning taken;

-- name: open_campaigns
-- Campaigns with work for the loop: to start, to hand to the gate, to finish.
select id from campaign
where (state in ('scheduled', 'sending') or (state = 'cancelled' and finished_at is null))
  and (state <> 'scheduled' or send_at <= %(now)s)
  and id %% %(divisor)s = any(%(buckets)s::int[])
order by id;

-- name: published_version
-- The newest published version of a template, and the channel it is for.
select t.channel, (
    select v.id from template_version v where v.template_id = t.id and v.state = 'published' order by v.number desc limit 1
) as version_id
from template t where t.id = %(template_id)s;

-- name: account_channel
-- The channel of an account.
select channel from channel_account where id = %(account_id)s;

-- name: report
-- A campaign's numbers, from the ledger in one pass.
select state, reason, count(*) as people, count(queued_at) as passed, count(sent_at) as sent,
       count(opened_at) as opened, count(clicked_at) as clicked, count(unsubscribed_at) as unsubscribed,
       count(complained_at) as complained, count(bounced_at) as bounced, coalesce(sum(opens), 0) as opens,
       coalesce(sum(clicks), 0) as clicks
from delivery where campaign_id = %(campaign_id)s
group by state, reason;

-- name: reaction
-- How people reacted by hours since their message was sent.
select kind, least(floor(extract(epoch from at - sent_at) / 3600), 168)::int as hour, count(*) as people
from delivery d
cross join lateral (values ('opened', d.opened_at), ('clicked', d.clicked_at), ('unsubscribed', d.unsubscribed_at)) e (kind, at)
where d.campaign_id = %(campaign_id)s and d.sent_at is not null and e.at is not null and e.at >= d.sent_at
group by kind, hour
order by kind, hour;
