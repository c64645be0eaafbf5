import { Navigate } from '@tanstack/react-router';

/** Channels were a part of the settings once; their old address is kept. */
export default function Moved() {
  return <Navigate to="/channels" replace />;
}
