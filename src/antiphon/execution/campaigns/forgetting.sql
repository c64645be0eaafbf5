-- name: prune_answered
-- Keys a campaign answered so long ago that it knows them no more.
delete from campaign_answered where ctid in (select ctid from campaign_answered where at < %(before)s limit %(most)s);
