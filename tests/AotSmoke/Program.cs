using UnixLoop.AotSmoke;

OptionsCheck.Run();
ProcessOptionsCheck.Run();
await HostCheck.RunAsync();
Console.WriteLine("AotSmoke: all well");
return Environment.ExitCode;
