using UnixLoop;
using UnixLoop.AotSmoke;

// As PID 1 (unshare --pid --fork --mount-proc) all below runs in a child of ours.
if (UnixInit.RunAsPid1(args) is int code)
    return code;

OptionsCheck.Run();
ProcessOptionsCheck.Run();
KestrelOptionsCheck.Run();
await HostCheck.RunAsync();
Console.WriteLine("AotSmoke: all well");
return Environment.ExitCode;
