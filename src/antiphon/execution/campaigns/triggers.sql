-- name: answering
-- The campaigns that answer events: those that run, and paused ones, whose answers wait; not those that cannot answer.
select id from campaign
where kind = 'triggered' and state in ('running', 'paused') and started_at is not null and held_reason is null order by id;

-- name: alone
-- One process at a time answers for a campaign, so that two lanes with the same person or key do not meet; until the commit.
select pg_advisory_xact_lock(hashtextextended('campaign answers', %(campaign_id)s));

-- name: new_keys
-- Keys a campaign has not answered yet: from now on it has.
insert into campaign_answered (campaign_id, key, at)
select %(campaign_id)s, k, %(now)s from unnest(%(keys)s::bytea[]) k order by k
on conflict do nothing
returning key;

-- name: last_answers
-- When these people were answered last.
select profile_id, at from campaign_last where campaign_id = %(campaign_id)s and profile_id = any(%(profile_ids)s::bigint[]);

-- name: note_answers
-- When people were answered last, from now on.
insert into campaign_last (campaign_id, profile_id, at)
select %(campaign_id)s, p, at from unnest(%(profile_ids)s::bigint[], %(ats)s::timestamptz[]) n (p, at)
on conflict (campaign_id, profile_id) do update set at = excluded.at;

-- name: erase_last
-- Erasure: when somebody was answered.
delete from campaign_last where profile_id = any(%(profile_ids)s::bigint[]);

-- name: export_last
-- When somebody was answered last, by which campaign.
select campaign_id, at from campaign_last where profile_id = any(%(profile_ids)s::bigint[]) order by campaign_id;
