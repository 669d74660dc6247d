-- What the plant's own database might hold: how many work at the packing station, and how long a parcel takes them.
CREATE TABLE IF NOT EXISTS plant_state (path text PRIMARY KEY, value jsonb NOT NULL);
INSERT INTO plant_state VALUES
    ('Packing.resources.packers.current_cap', '1'),
    ('Packing.variables.seconds_per_parcel', '0.2')
ON CONFLICT (path) DO UPDATE SET value = EXCLUDED.value;
