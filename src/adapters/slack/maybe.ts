import type { z } from 'zod';

/** Of what there is not, Slack leaves out some and says null of the rest. */
export const maybe = <T extends z.ZodType>(schema: T) =>
  schema.nullish().transform(value => value ?? undefined);
