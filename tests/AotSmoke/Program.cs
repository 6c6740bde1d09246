using UnixLoop.AotSmoke;

OptionsCheck.Run();
await HostCheck.RunAsync();
Console.WriteLine("AotSmoke: all well");
return Environment.ExitCode;
