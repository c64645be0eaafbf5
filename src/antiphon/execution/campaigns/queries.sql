-- name: insert_campaign
-- A new draft.
insert into campaign (name, description, channel, segment_id, excluded_segment_ids, template_id, account_id, topic,
                      message_class, track_opens, track_clicks, send_at, created_by, created_at, updated_at, kind, local_at,
                      recurrence, trigger, purpose, split, hops, usual_path, holdout_percent, budget_micros, goal, arms, arm_choice, authors)
values (%(name)s, %(description)s, %(channel)s, %(segment_id)s, %(excluded_segment_ids)s, %(template_id)s, %(account_id)s,
        %(topic)s, %(message_class)s, %(track_opens)s, %(track_clicks)s, %(send_at)s, %(created_by)s, %(now)s, %(now)s,
        %(kind)s, %(local_at)s, %(recurrence)s, %(trigger)s, %(purpose)s, %(split)s, %(hops)s, %(usual_path)s, %(holdout_percent)s,
        %(budget_micros)s, %(goal)s, %(arms)s, %(arm_choice)s, array[%(author)s::text])
returning id;

-- name: update_campaign
-- Change a campaign that has not started: one more has written it, and an approval of what it was no longer stands.
update campaign set name = %(name)s, description = %(description)s, channel = %(channel)s, segment_id = %(segment_id)s,
    excluded_segment_ids = %(excluded_segment_ids)s, template_id = %(template_id)s, account_id = %(account_id)s,
    topic = %(topic)s, message_class = %(message_class)s, track_opens = %(track_opens)s,
    track_clicks = %(track_clicks)s, send_at = %(send_at)s, updated_at = %(now)s, kind = %(kind)s, local_at = %(local_at)s,
    recurrence = %(recurrence)s, trigger = %(trigger)s, purpose = %(purpose)s, split = %(split)s, hops = %(hops)s, usual_path = %(usual_path)s,
    holdout_percent = %(holdout_percent)s, budget_micros = %(budget_micros)s, goal = %(goal)s, arms = %(arms)s,
    arm_choice = %(arm_choice)s, state = %(state)s,
    authors = case when %(author)s::text = any(authors) then authors else authors || %(author)s::text end,
    approval = null
where id = %(id)s;

-- name: find_campaign
-- One campaign with its progress.
select c.id, c.name, c.description, c.channel, c.segment_id, c.excluded_segment_ids, c.template_id,
       c.template_version_id, c.account_id, c.topic, c.message_class, c.track_opens, c.track_clicks, c.send_at, c.state,
       c.created_by, c.created_at, c.updated_at, c.started_at, c.finished_at, c.archived_at, c.kind, c.local_at, c.recurrence,
       c.trigger, c.purpose, c.split, c.hops, c.usual_path, c.holdout_percent, c.budget_micros, c.goal, c.next_wall, c.next_at, c.authors,
       c.approval, c.held_reason, c.held, c.arms, c.arm_choice, c.arm_winner, a.audience, a.taken, a.occurrences
from campaign c cross join lateral (
    select sum(size)::bigint as audience, sum(taken)::bigint as taken, count(*)::int as occurrences
    from campaign_audience a where a.campaign_id = c.id
) a
where c.id = %(id)s;

-- name: lock_campaign
-- Hold a campaign for a change of its state.
select id from campaign where id = %(id)s for update;

-- name: list_campaigns
-- Campaigns, newest first.
select c.id, c.name, c.description, c.channel, c.segment_id, c.excluded_segment_ids, c.template_id,
       c.template_version_id, c.account_id, c.topic, c.message_class, c.track_opens, c.track_clicks, c.send_at, c.state,
       c.created_by, c.created_at, c.updated_at, c.started_at, c.finished_at, c.archived_at, c.kind, c.local_at, c.recurrence,
       c.trigger, c.purpose, c.split, c.hops, c.usual_path, c.holdout_percent, c.budget_micros, c.goal, c.next_wall, c.next_at, c.authors,
       c.approval, c.held_reason, c.held, c.arms, c.arm_choice, c.arm_winner, a.audience, a.taken, a.occurrences
from campaign c cross join lateral (
    select sum(size)::bigint as audience, sum(taken)::bigint as taken, count(*)::int as occurrences
    from campaign_audience a where a.campaign_id = c.id
) a
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
-- Keep whom an occurrence is for and what it says; one frozen before is left as it was.
insert into campaign_audience (campaign_id, occurrence, members, excluded, size, frozen_at, planned_for, local_at,
                               template_version_id, account_id, waits)
values (%(campaign_id)s, %(occurrence)s, %(members)s, %(excluded)s, %(size)s, %(now)s, %(planned_for)s, %(local_at)s,
        %(template_version_id)s, %(account_id)s, %(waits)s)
on conflict (campaign_id, occurrence) do nothing;

-- name: open_occurrences
-- Occurrences not over yet, and how far the gate is through each; the oldest first.
select occurrence, size, taken, planned_for, local_at, template_version_id, account_id, over_at, frozen_at, waits
from campaign_audience where campaign_id = %(campaign_id)s and over_at is null order by frozen_at, occurrence;

-- name: occurrences
-- A campaign's occurrences, newest first.
select occurrence, size, taken, planned_for, local_at, template_version_id, account_id, over_at, frozen_at, waits
from campaign_audience where campaign_id = %(campaign_id)s
order by frozen_at desc, occurrence desc limit %(limit)s;

-- name: end_occurrence
-- Everybody of it was decided, and nothing of it waits to be said.
update campaign_audience set over_at = %(now)s where campaign_id = %(campaign_id)s and occurrence = %(occurrence)s;

-- name: find_progress
-- How many people a campaign was for, and how many of them the gate has decided.
select coalesce(sum(size), 0)::bigint, coalesce(sum(taken), 0)::bigint from campaign_audience where campaign_id = %(campaign_id)s;

-- name: read_audience
-- The frozen audience itself.
select members, excluded from campaign_audience where campaign_id = %(campaign_id)s and occurrence = %(occurrence)s;

-- name: advance
-- Note that the gate has decided this many; only from where we thought it was.
update campaign_audience set taken = %(to)s
where campaign_id = %(campaign_id)s and occurrence = %(occurrence)s and taken = %(from)s
returning taken;

-- name: wait_for
-- When a recurring campaign is said next; null for no more.
update campaign set next_wall = %(wall)s, next_at = %(at)s where id = %(id)s;

-- name: hold_for
-- Say why the system paused a campaign.
update campaign set held_reason = %(why)s, held = %(held)s where id = %(id)s;

-- name: open_campaigns
-- Campaigns with work for the loop: to start, to freeze an occurrence of, to hand to the gate, to finish.
select id from campaign
where (state in ('scheduled', 'sending', 'running') or (state = 'cancelled' and finished_at is null))
  and (state <> 'scheduled' or send_at <= %(now)s)
  and (state <> 'running' or kind = 'recurring' and (
      next_at is null or next_at <= %(now)s
      or exists (select 1 from campaign_audience a where a.campaign_id = campaign.id and a.over_at is null)))
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

-- name: read_rule
-- The installation's rule of approval.
select approval, approval_over from campaign_rule;

-- name: write_rule
-- Another rule.
update campaign_rule set approval = %(approval)s, approval_over = %(approval_over)s, changed_by = %(who)s, changed_at = %(now)s;

-- name: write_approval
-- What was asked and decided.
update campaign set approval = %(approval)s where id = %(id)s;

-- name: approvers
-- Who may approve by their role.
select id, coalesce(nullif(name, ''), email) as name, email from person
where role = any(%(roles)s::text[]) and disabled_at is null and password_hash is not null order by id;

-- name: authors
-- The people among those who wrote a campaign.
select id, coalesce(nullif(name, ''), email) as name, email from person
where 'person:' || id = any(%(subjects)s::text[]) and disabled_at is null order by id;

-- name: using_segment
-- The campaigns for a segment, or for others than those in it; one that goes on would miss it.
select 'campaign' as kind, id, name, state, state in ('scheduled', 'sending', 'running', 'paused') as active
from campaign where segment_id = %(segment_id)s or %(segment_id)s = any(excluded_segment_ids)
order by id limit 1000;

-- name: is_purpose
-- Whether there is a purpose of this name that is offered.
select exists (select 1 from purpose where name = %(name)s and archived_at is null);
