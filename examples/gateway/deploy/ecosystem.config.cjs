/** PM2: `pm2 start ecosystem.config.cjs`, then `pm2 reload gateway` for a deploy. */
module.exports = {
  apps: [
    {
      name: "gateway",
      script: "../gateway.mjs",
      cwd: __dirname,
      exec_mode: "cluster",
      instances: 2,
      // A reload goes on when the new process has sent `ready`, which installShutdown does.
      wait_ready: true,
      listen_timeout: 10_000,
      // PM2 kills after 1.6 s otherwise. lameDuckMs + drainTimeoutMs + a quarter of a second.
      kill_timeout: 16_000,
      // Each process has a page of its own: PM2 counts the port up.
      increment_var: "ADMIN_PORT",
      env: { PORT: "8080", ADMIN_PORT: 8081, NODE_ENV: "production" },
    },
  ],
};
