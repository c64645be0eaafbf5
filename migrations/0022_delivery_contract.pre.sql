-- An account speaks its channel through a provider (SMTP, SES, SMPP, ...). Those there are speak SMTP.
alter table channel_account add column provider text;
update channel_account set provider = case when channel = 'email' then 'smtp' else channel end;
alter table channel_account alter column provider set not null;

-- What a message is for (it decides which channels suit), whether a text may be split into several parts, and where it
-- goes when a hop is refused, fails, or is not answered: the hops after the first, as JSON.
alter table dispatch
    add column purpose text not null default '',
    add column split boolean not null default false,
    add column hops jsonb not null default '[]',
    add column hop smallint not null default 0;

-- A hop after the first is a row of its own and names the first; what it cost is known when it was said.
alter table delivery
    add column hop smallint not null default 0,
    add column origin_id bigint,
    add column parts smallint,
    add column cost_micros bigint,
    add column replied_at timestamptz;
