-- What fits a trait's type is what the mirror holds: numbers that are some, clocks of 24 hours, years of four digits.
create or replace function trait_fits(value jsonb, kind text) returns boolean language sql immutable parallel safe as $$
select case jsonb_typeof(value)
    when 'null' then true
    when 'object' then false
    when 'array' then kind = 'text_list'
    else case kind
        when 'text' then true
        when 'text_list' then true
        when 'number' then
            case jsonb_typeof(value)
                when 'number' then abs(value::numeric) < 1.797693134862315808e308
                when 'string' then btrim(value #>> '{}') ~ '^[+-]?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})$'
                else false
            end
        when 'boolean' then jsonb_typeof(value) = 'boolean'
            or jsonb_typeof(value) = 'string' and lower(btrim(value #>> '{}')) in ('true', 'false')
        when 'date' then jsonb_typeof(value) = 'string' and value #>> '{}' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
            and pg_input_is_valid(value #>> '{}', 'date')
        else case
            when jsonb_typeof(value) <> 'string' or not pg_input_is_valid(value #>> '{}', 'timestamptz') then false
            when value #>> '{}' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?(Z|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?)?$'
                then (value #>> '{}')::timestamptz >= '0001-01-01 00:00:00+00' and (value #>> '{}')::timestamptz < '10000-01-01 00:00:00+00'
            else false
        end
    end
end
$$;
