import type { ComponentType } from 'react';
import { IconBell, IconMail, IconPhone, IconPlug, IconSms, IconWebhook } from '@/design/icons';

type Icon = ComponentType<{ size?: number; stroke?: number }>;

const FACES: Record<string, Icon> = { email: IconMail, sms: IconSms, webhook: IconWebhook, push: IconBell, voice: IconPhone };

/** The picture of a channel; one that came in a package has a plug. */
export function faceOf(channel: string): Icon {
  return FACES[channel] ?? IconPlug;
}
