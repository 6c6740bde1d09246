namespace UnixLoop.Transports.UnixSockets;

[Flags]
internal enum ConnectionDirections
{
    None = 0,
    Input = 1,
    Output = 2,
    Both = Input | Output,
}
