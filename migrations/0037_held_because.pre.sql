-- Why the system itself paused a campaign, as a code with its facts, so that each reader is told in their own language.
alter table campaign add column held jsonb;
