/** Calls of a controller, and health for Terminus. */
import { Controller, Get, Inject, Module, Param } from "@nestjs/common";
import { HealthCheck, HealthCheckService, TerminusModule } from "@nestjs/terminus";
import type { GatewayFetch } from "good-gateway/fetch";
import { fetchToken, GatewayHealthIndicator, GatewayModule } from "good-gateway/nest";

@Controller()
class SummaryController {
  constructor(
    @Inject(fetchToken("orders")) private readonly ordersFetch: GatewayFetch,
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(GatewayHealthIndicator) private readonly indicator: GatewayHealthIndicator,
  ) {}

  @Get("summary/:id")
  async summary(@Param("id") id: string) {
    const answer = await this.ordersFetch(`/orders/${id}`); // a failure is answered with its status
    return { summary: await answer.text() };
  }

  @Get("health")
  @HealthCheck()
  check() {
    return this.health.check([() => this.indicator.check("orders")]);
  }
}

@Module({
  imports: [
    TerminusModule,
    GatewayModule.forRoot({
      name: "edge",
      upstreams: { orders: { targets: process.env["ORDERS_URL"] ?? "http://127.0.0.1:3001" } },
    }),
  ],
  controllers: [SummaryController],
})
export class AppModule {}
