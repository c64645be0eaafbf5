import { Stack } from '@mantine/core';
import { Purposes } from './Purposes';
import { SuitabilityGrid } from './SuitabilityGrid';

/** What messages are for, and which channels suit that. */
export function Suitability() {
  return (
    <Stack>
      <SuitabilityGrid />
      <Purposes />
    </Stack>
  );
}
